namespace Ration.Devices.Cpu.Kernels;

/// <summary>Columns of the discrete cosine transform, from a table of the cosines of a turn.</summary>
internal static unsafe class CosineKernel
{
    private const nint Rows = 16;

    /// <summary>Bytes of workspace for <see cref="Columns"/>.</summary>
    public static long WorkspaceBytes(nint size) => 4 * (long)size * sizeof(float);

    /// <summary>basis = the columns of these numbers, or all of them where <paramref name="numbers"/> is null.</summary>
    public static void Columns(WorkerPool pool, float* numbers /*[count]*/, float* basis /*[size, count] overwritten*/, nint size, nint count, byte* workspace)
    {
        TableWork table = new() { Table = (float*)workspace, Size = size };
        pool.Run(ref table, checked((int)((4 * size + TableWork.Entries - 1) / TableWork.Entries)));
        Work work = new() { Table = table.Table, Numbers = numbers, Basis = basis, Size = size, Count = count };
        pool.Run(ref work, checked((int)((size + Rows - 1) / Rows)));
    }

    // √(2/n)·cos(2π·j/4n).
    private struct TableWork : IParallelWork
    {
        public const nint Entries = 1024;

        public float* Table;
        public nint Size;

        public readonly void Execute(int item, int worker)
        {
            double factor = Math.Sqrt(2.0 / Size);
            nint end = nint.Min(4 * Size, (item + (nint)1) * Entries);
            for (nint j = item * Entries; j < end; j++) Table[j] = (float)(factor * Math.Cos(Math.PI * j / (2.0 * Size)));
        }
    }

    private struct Work : IParallelWork
    {
        public float* Table;
        public float* Numbers;
        public float* Basis;
        public nint Size;
        public nint Count;

        public readonly void Execute(int item, int worker)
        {
            nint end = nint.Min(Size, (item + (nint)1) * Rows);
            for (nint row = item * Rows; row < end; row++)
            {
                float* y = Basis + (row * Count);
                float factor = row == 0 ? MathF.Sqrt(0.5f) : 1;
                ulong turn = 4 * (ulong)Size;
                for (nint i = 0; i < Count; i++)
                {
                    ulong column = Numbers == null ? (ulong)i : (ulong)Numbers[i];
                    y[i] = factor * Table[(ulong)row * ((2 * column) + 1) % turn];
                }
            }
        }
    }
}
