namespace Ration.Devices.Cpu.Kernels;

/// <summary>Gains and biases of channels.</summary>
internal static unsafe class ColumnScaleKernel
{
    private const nint RowsOfItem = 8;

    /// <summary>y = gain·x + bias, each product rounded before it is added. y may be x.</summary>
    public static void Run(
        WorkerPool pool, float* x /*[rows, columns]*/, float* gain /*[columns]*/, float* bias /*[columns], or null: zeros*/,
        float* y /*[rows, columns] overwritten*/, nint rows, nint columns)
    {
        Work work = new() { X = x, Gain = gain, Bias = bias, Y = y, Rows = rows, Columns = columns };
        pool.Run(ref work, checked((int)((rows + RowsOfItem - 1) / RowsOfItem)));
    }

    private struct Work : IParallelWork
    {
        public float* X;
        public float* Gain;
        public float* Bias;
        public float* Y;
        public nint Rows;
        public nint Columns;

        public readonly void Execute(int item, int worker)
        {
            nint end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
            for (nint row = item * RowsOfItem; row < end; row++)
            {
                float* y = Y + (row * Columns);
                ElementwiseLoops.Binary<Multiply>(X + (row * Columns), Gain, y, Columns);
                if (Bias != null) ElementwiseLoops.Binary<Add>(y, Bias, y, Columns);
            }
        }
    }
}
