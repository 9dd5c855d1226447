namespace Ration.Devices.Cpu.Kernels;

/// <summary>Rows of tokens to and from the order of their experts.</summary>
internal static unsafe class ExpertRowsKernel
{
    private const nint TokensOfItem = 8;

    /// <summary>y[places[t, j]] = x[t].</summary>
    public static void Copy(
        WorkerPool pool, float* x /*[tokens, columns]*/, int* places /*[tokens, chosen]*/, float* y /*[tokens·chosen, columns] overwritten*/,
        nint tokens, int chosen, nint columns)
    {
        Work work = new() { Rows = x, Places = places, Arranged = y, Tokens = tokens, Chosen = chosen, Columns = columns };
        pool.Run(ref work, Items(tokens));
    }

    /// <summary>x[t] = Σ over j, in order, of y[places[t, j]].</summary>
    public static void Sum(
        WorkerPool pool, float* y /*[tokens·chosen, columns]*/, int* places /*[tokens, chosen]*/, float* x /*[tokens, columns] overwritten*/,
        nint tokens, int chosen, nint columns)
    {
        Work work = new() { Rows = x, Places = places, Arranged = y, Tokens = tokens, Chosen = chosen, Columns = columns, IsSum = true };
        pool.Run(ref work, Items(tokens));
    }

    private static int Items(nint tokens) => checked((int)((tokens + TokensOfItem - 1) / TokensOfItem));

    private struct Work : IParallelWork
    {
        public float* Rows;
        public float* Arranged;
        public int* Places;
        public nint Tokens;
        public nint Columns;
        public int Chosen;
        public bool IsSum;

        public readonly void Execute(int item, int worker)
        {
            nint end = nint.Min(Tokens, (item + (nint)1) * TokensOfItem);
            for (nint token = item * TokensOfItem; token < end; token++)
            {
                float* row = Rows + (token * Columns);
                for (int i = 0; i < Chosen; i++)
                {
                    float* arranged = Arranged + (Places[(token * Chosen) + i] * Columns);
                    if (!IsSum) Buffer.MemoryCopy(row, arranged, Columns * sizeof(float), Columns * sizeof(float));
                    else if (i == 0) Buffer.MemoryCopy(arranged, row, Columns * sizeof(float), Columns * sizeof(float));
                    else ElementwiseLoops.Binary<Add>(row, arranged, row, Columns);
                }
            }
        }
    }
}
