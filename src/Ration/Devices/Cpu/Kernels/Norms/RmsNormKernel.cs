namespace Ration.Devices.Cpu.Kernels;

/// <summary>Root-mean-square normalization (Zhang and Sennrich 2019, equation 4) and its gradient.</summary>
internal static unsafe class RmsNormKernel
{
    private const nint RowsOfItem = 8;

    /// <summary>y = gain·x·r with r = 1/√(mean(x²) + ε). y may be x.</summary>
    public static void Forward(
        WorkerPool pool, float* x /*[rows, columns]*/, float* gain /*[columns], or null: ones*/, float* y /*[rows, columns] overwritten*/,
        float* inverseRms /*[rows] overwritten*/, nint rows, nint columns, float epsilon)
    {
        ForwardWork work = new() { X = x, Gain = gain, Y = y, InverseRms = inverseRms, Rows = rows, Columns = columns, Epsilon = epsilon };
        pool.Run(ref work, checked((int)((rows + RowsOfItem - 1) / RowsOfItem)));
    }

    /// <summary>
    /// dx = r·(gain·dy) − x·r³·mean(gain·dy·x), and the gain's gradient Σ over rows of dy·x·r. dx may be dy or x. By the
    /// output n = x·r: dx = r·(gain·dy − n·mean(gain·dy·n)) and Σ dy·n.
    /// </summary>
    public static void Backward<TCentring>(
        WorkerPool pool, float* dy /*[rows, columns]*/, float* x /*[rows, columns], or n*/, float* gain /*[columns]*/,
        float* inverseRms /*[rows]*/,
        float* dx /*[rows, columns]*/, bool accumulateDx, float* dgain /*[columns], or null: frozen*/, bool accumulateDgain,
        nint rows, nint columns, byte* workspace /*GainPartialsBytes; unused if frozen*/)
        where TCentring : struct, ICentring
    {
        NormBackward<TCentring> work = new()
        {
            Dy = dy,
            X = x,
            Gain = gain,
            InverseDeviation = inverseRms,
            Dx = dx,
            AccumulateDx = accumulateDx,
            GainPartials = dgain == null ? null : (float*)workspace,
            Rows = rows,
            Columns = columns,
        };
        pool.Run(ref work, RowBlocks.Count(rows));
        if (dgain != null) RowBlocks.Add(pool, (float*)workspace, RowBlocks.Count(rows), columns, dgain, accumulateDgain);
    }

    /// <summary>Bytes of workspace for the gain's gradient.</summary>
    public static long GainPartialsBytes(nint rows, nint columns) => RowBlocks.PartialsBytes(rows, columns);

    private struct ForwardWork : IParallelWork
    {
        public float* X;
        public float* Gain;
        public float* Y;
        public float* InverseRms;
        public nint Rows;
        public nint Columns;
        public float Epsilon;

        public readonly void Execute(int item, int worker)
        {
            nint end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
            for (nint row = item * RowsOfItem; row < end; row++)
            {
                float* x = X + (row * Columns);
                float inverse = 1 / MathF.Sqrt((ReductionLoops.SumOfSquares(x, Columns) / Columns) + Epsilon);
                InverseRms[row] = inverse;
                if (Gain == null) ElementwiseLoops.BinaryScalar<Multiply>(x, inverse, Y + (row * Columns), Columns);
                else ElementwiseLoops.TernaryScalar<ScaledProduct>(x, Gain, inverse, Y + (row * Columns), Columns);
            }
        }
    }
}

/// <summary>(x·z)·y.</summary>
internal readonly struct ScaledProduct : ITernaryOperator
{
    /// <inheritdoc/>
    public static T Do<T>(T x, T y, T z)
        where T : unmanaged, ILanes<T> => x * z * y;
}
