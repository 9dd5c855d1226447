namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Sums over the rows of a matrix, column by column. Rows form at most 64 blocks that depend on their number alone; a block's partial
/// sums are made by one worker, and the blocks are then added in order.
/// </summary>
internal static unsafe class RowBlocks
{
    private const nint MostBlocks = 64;
    private const nint LeastRows = 8;
    private const nint Columns = 256;

    /// <summary>Rows of a block; the last may have fewer.</summary>
    public static nint RowsOfBlock(nint rows) => nint.Max(LeastRows, (rows + MostBlocks - 1) / MostBlocks);

    /// <summary>How many blocks there are.</summary>
    public static int Count(nint rows) => (int)((rows + RowsOfBlock(rows) - 1) / RowsOfBlock(rows));

    /// <summary>Bytes of one partial sum a block and column.</summary>
    public static long PartialsBytes(nint rows, nint columns) => (long)Count(rows) * columns * sizeof(float);

    /// <summary>result = (accumulate ? result : 0) + the blocks' partial sums, in order.</summary>
    public static void Add(
        WorkerPool pool, float* partials /*[blocks, columns]*/, int blocks, nint columns, float* result /*[columns]*/, bool accumulate)
    {
        AddWork work = new() { Partials = partials, Result = result, Blocks = blocks, Count = columns, Accumulate = accumulate };
        pool.Run(ref work, checked((int)((columns + Columns - 1) / Columns)));
    }

    private struct AddWork : IParallelWork
    {
        public float* Partials;
        public float* Result;
        public nint Count;
        public int Blocks;
        public bool Accumulate;

        public readonly void Execute(int item, int worker)
        {
            nint start = item * Columns, count = nint.Min(Columns, Count - start);
            float* result = Result + start;
            if (!Accumulate) new Span<float>(result, (int)count).Clear();
            for (int block = 0; block < Blocks; block++)
                ElementwiseLoops.Binary<Add>(result, Partials + (block * Count) + start, result, count);
        }
    }
}
