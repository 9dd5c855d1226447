using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>A nonlinearity that leaves two bits an element, and its gradient by the slopes that the bits stand for.</summary>
internal static unsafe class TwoBitActivationKernel
{
    private const nint RowsOfItem = 8;

    /// <summary>y = f(x), and for each element how many thresholds it exceeds. y may be x.</summary>
    public static void Forward<TActivation>(
        WorkerPool pool, float* x /*[rows, columns]*/, float* y /*[rows, columns] overwritten*/, byte* codes /*[rows, ⌈columns / 4⌉] overwritten*/,
        nint rows, nint columns, TwoBitSlopes slopes)
        where TActivation : struct, IActivation
    {
        ForwardWork<TActivation> work = new() { X = x, Y = y, Codes = codes, Rows = rows, Columns = columns, Slopes = slopes };
        pool.Run(ref work, Items(rows));
    }

    /// <summary>dx = dy · the slope of each element's interval. dx may be dy.</summary>
    public static void Backward(
        WorkerPool pool, float* dy /*[rows, columns]*/, byte* codes /*[rows, ⌈columns / 4⌉]*/, float* dx /*[rows, columns] overwritten*/,
        nint rows, nint columns, TwoBitSlopes slopes)
    {
        BackwardWork work = new() { Dy = dy, Codes = codes, Dx = dx, Rows = rows, Columns = columns, Slopes = slopes };
        pool.Run(ref work, Items(rows));
    }

    private static int Items(nint rows) => checked((int)((rows + RowsOfItem - 1) / RowsOfItem));

    private struct ForwardWork<TActivation> : IParallelWork
        where TActivation : struct, IActivation
    {
        public float* X;
        public float* Y;
        public byte* Codes;
        public nint Rows;
        public nint Columns;
        public TwoBitSlopes Slopes;

        public readonly void Execute(int item, int worker)
        {
            nint bytes = (nint)TwoBitSlopes.CodeBytes(Columns), end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
            for (nint row = item * RowsOfItem; row < end; row++)
            {
                float* x = X + (row * Columns);
                for (nint i = 0; i < bytes; i++) Codes[(row * bytes) + i] = Pack(x + (4 * i), (int)nint.Min(4, Columns - (4 * i)));
                ElementwiseLoops.Unary<TActivation>(x, Y + (row * Columns), Columns);
            }
        }

        private readonly byte Pack(float* x, int count)
        {
            int packed = 0;
            for (int i = 0; i < count; i++)
            {
                int code = (x[i] > Slopes.FirstThreshold ? 1 : 0) + (x[i] > Slopes.SecondThreshold ? 1 : 0) + (x[i] > Slopes.ThirdThreshold ? 1 : 0);
                packed |= code << (2 * i);
            }

            return (byte)packed;
        }
    }

    private struct BackwardWork : IParallelWork
    {
        public float* Dy;
        public byte* Codes;
        public float* Dx;
        public nint Rows;
        public nint Columns;
        public TwoBitSlopes Slopes;

        public readonly void Execute(int item, int worker)
        {
            float* slopes = stackalloc float[] { 0, Slopes.FirstSlope, Slopes.SecondSlope, 1 };
            nint bytes = (nint)TwoBitSlopes.CodeBytes(Columns), end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
            for (nint row = item * RowsOfItem; row < end; row++)
            {
                float* dy = Dy + (row * Columns), dx = Dx + (row * Columns);
                byte* codes = Codes + (row * bytes);
                for (nint i = 0; i < Columns; i++) dx[i] = dy[i] * slopes[(codes[i >> 2] >> (2 * (int)(i & 3))) & 3];
            }
        }
    }
}
