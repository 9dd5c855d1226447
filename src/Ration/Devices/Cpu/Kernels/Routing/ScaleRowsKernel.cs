namespace Ration.Devices.Cpu.Kernels;

/// <summary>Rows times numbers of their own.</summary>
internal static unsafe class ScaleRowsKernel
{
    private const nint RowsOfItem = 8;

    /// <summary>y = x·factor for each row. y may be x.</summary>
    public static void Forward(
        WorkerPool pool, float* x /*[rows, columns]*/, float* factors /*[rows]*/, float* y /*[rows, columns] overwritten*/, nint rows, nint columns)
    {
        Work work = new() { X = x, Factors = factors, Y = y, Rows = rows, Columns = columns };
        pool.Run(ref work, Items(rows));
    }

    /// <summary>dx = dy·factor, and a factor's gradient is Σ over its row of dy·x. dx may be dy.</summary>
    public static void Backward(
        WorkerPool pool, float* dy /*[rows, columns]*/, float* x /*[rows, columns]*/, float* factors /*[rows]*/,
        float* dx /*[rows, columns] overwritten*/, float* dfactors /*[rows] overwritten*/, nint rows, nint columns)
    {
        Work work = new() { X = dy, Factors = factors, Y = dx, Other = x, Dfactors = dfactors, Rows = rows, Columns = columns };
        pool.Run(ref work, Items(rows));
    }

    private static int Items(nint rows) => checked((int)((rows + RowsOfItem - 1) / RowsOfItem));

    private struct Work : IParallelWork
    {
        public float* X;
        public float* Factors;
        public float* Y;
        public float* Other;
        public float* Dfactors;
        public nint Rows;
        public nint Columns;

        public readonly void Execute(int item, int worker)
        {
            nint end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
            for (nint row = item * RowsOfItem; row < end; row++)
            {
                nint at = row * Columns;
                if (Dfactors != null) Dfactors[row] = ReductionLoops.Dot(X + at, Other + at, Columns);
                ElementwiseLoops.BinaryScalar<Multiply>(X + at, Factors[row], Y + at, Columns);
            }
        }
    }
}
