namespace Ration.Devices.Cpu.Kernels;

/// <summary>Layer normalization (Ba, Kiros and Hinton 2016, equation 4) and its gradient.</summary>
internal static unsafe class LayerNormKernel
{
    private const nint RowsOfItem = 8;

    /// <summary>y = gain·(x − mean)·r + bias with r = 1/√(variance + ε). y may be x.</summary>
    public static void Forward(
        WorkerPool pool, float* x /*[rows, columns]*/, float* gain /*[columns], or null: ones*/, float* bias /*[columns], or null: zeros*/,
        float* y /*[rows, columns] overwritten*/,
        float* mean /*[rows] overwritten, or null*/, float* inverseDeviation /*[rows] overwritten*/, nint rows, nint columns, float epsilon)
    {
        ForwardWork work = new()
        {
            X = x,
            Gain = gain,
            Bias = bias,
            Y = y,
            Mean = mean,
            InverseDeviation = inverseDeviation,
            Rows = rows,
            Columns = columns,
            Epsilon = epsilon,
        };
        pool.Run(ref work, checked((int)((rows + RowsOfItem - 1) / RowsOfItem)));
    }

    /// <summary>
    /// With n = (x − mean)·r and g = gain·dy: dx = r·(g − mean(g) − n·mean(g·n)); the gain's gradient is Σ over rows of dy·n, the
    /// bias's Σ dy. dx may be dy or x. By the output there is n in place of x, and no mean.
    /// </summary>
    public static void Backward<TCentring>(
        WorkerPool pool, float* dy /*[rows, columns]*/, float* x /*[rows, columns], or n*/, float* gain /*[columns]*/, float* mean /*[rows], or null*/,
        float* inverseDeviation /*[rows]*/, float* dx /*[rows, columns]*/, bool accumulateDx, float* dgain /*[columns], or null: frozen*/,
        bool accumulateDgain, float* dbias /*[columns], or null: frozen*/, bool accumulateDbias, nint rows, nint columns,
        byte* workspace /*PartialsBytes*/)
        where TCentring : struct, ICentring
    {
        int blocks = RowBlocks.Count(rows);
        float* gainPartials = (float*)workspace, biasPartials = gainPartials + (blocks * columns);
        NormBackward<TCentring> work = new()
        {
            Dy = dy,
            X = x,
            Gain = gain,
            Mean = mean,
            InverseDeviation = inverseDeviation,
            Dx = dx,
            AccumulateDx = accumulateDx,
            GainPartials = dgain == null ? null : gainPartials,
            BiasPartials = dbias == null ? null : biasPartials,
            Rows = rows,
            Columns = columns,
        };
        pool.Run(ref work, blocks);
        if (dgain != null) RowBlocks.Add(pool, gainPartials, blocks, columns, dgain, accumulateDgain);
        if (dbias != null) RowBlocks.Add(pool, biasPartials, blocks, columns, dbias, accumulateDbias);
    }

    /// <summary>Bytes of workspace for the gradients of gain and bias.</summary>
    public static long PartialsBytes(nint rows, nint columns) => 2 * RowBlocks.PartialsBytes(rows, columns);

    private struct ForwardWork : IParallelWork
    {
        public float* X;
        public float* Gain;
        public float* Bias;
        public float* Y;
        public float* Mean;
        public float* InverseDeviation;
        public nint Rows;
        public nint Columns;
        public float Epsilon;

        public readonly void Execute(int item, int worker)
        {
            nint end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
            for (nint row = item * RowsOfItem; row < end; row++)
            {
                float* y = Y + (row * Columns);
                float mean = ReductionLoops.Sum(X + (row * Columns), Columns) / Columns;
                ElementwiseLoops.BinaryScalar<Subtract>(X + (row * Columns), mean, y, Columns);
                float inverse = 1 / MathF.Sqrt((ReductionLoops.SumOfSquares(y, Columns) / Columns) + Epsilon);
                if (Mean != null) Mean[row] = mean;
                InverseDeviation[row] = inverse;
                if (Gain == null) ElementwiseLoops.BinaryScalar<Multiply>(y, inverse, y, Columns);
                else ElementwiseLoops.TernaryScalar<ScaledProduct>(y, Gain, inverse, y, Columns);
                if (Bias != null) ElementwiseLoops.Binary<Add>(y, Bias, y, Columns);
            }
        }
    }
}
