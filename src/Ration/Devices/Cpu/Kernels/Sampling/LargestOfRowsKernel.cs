namespace Ration.Devices.Cpu.Kernels;

/// <summary>The elements of each row that are farthest from its mean, and rows made of them.</summary>
internal static unsafe class LargestOfRowsKernel
{
    private const nint RowsOfItem = 8;

    /// <summary>Bytes of workspace for <see cref="Keep"/>.</summary>
    public static long WorkspaceBytes(nint columns, int threads) => (long)columns * sizeof(ulong) * threads;

    /// <summary>Elements and columns of the farthest, in the order of the columns; of equals the first.</summary>
    public static void Keep(
        WorkerPool pool, float* x /*[rows, columns]*/, float* means /*[rows] or null*/, float* values /*[rows, count] overwritten*/, int* numbers /*[rows, count] overwritten*/,
        nint rows, nint columns, nint count, byte* workspace)
    {
        KeepWork work = new() { X = x, Means = means, Values = values, Numbers = numbers, Rows = rows, Columns = columns, Count = count, Keys = (ulong*)workspace };
        pool.Run(ref work, Items(rows));
    }

    /// <summary>Rows of means, with elements in their columns.</summary>
    public static void Place(
        WorkerPool pool, float* values /*[rows, count]*/, int* numbers /*[rows, count]*/, float* means /*[rows] or null*/, float* x /*[rows, columns] overwritten*/,
        nint rows, nint columns, nint count)
    {
        PlaceWork work = new() { X = x, Means = means, Values = values, Numbers = numbers, Rows = rows, Columns = columns, Count = count };
        pool.Run(ref work, Items(rows));
    }

    private static int Items(nint rows) => checked((int)((rows + RowsOfItem - 1) / RowsOfItem));

    private struct KeepWork : IParallelWork
    {
        public float* X;
        public float* Means;
        public float* Values;
        public int* Numbers;
        public nint Rows;
        public nint Columns;
        public nint Count;
        public ulong* Keys;

        public readonly void Execute(int item, int worker)
        {
            Span<ulong> keys = new(Keys + (worker * Columns), (int)Columns);
            nint end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
            for (nint row = item * RowsOfItem; row < end; row++)
            {
                float* x = X + (row * Columns);
                float mean = Means == null ? 0 : Means[row];
                for (int i = 0; i < keys.Length; i++) keys[i] = ((ulong)~BitConverter.SingleToUInt32Bits(MathF.Abs(x[i] - mean)) << 32) | (uint)i;
                PutLeastFirst(keys, (int)Count);
                Span<int> numbers = new(Numbers + (row * Count), (int)Count);
                for (int i = 0; i < numbers.Length; i++) numbers[i] = (int)(uint)keys[i];
                numbers.Sort();
                for (int i = 0; i < numbers.Length; i++) Values[(row * Count) + i] = x[numbers[i]];
            }
        }

        // Hoare's selection: after it the first keys are the least, in any order.
        private static void PutLeastFirst(Span<ulong> keys, int count)
        {
            int low = 0, high = keys.Length - 1, last = count - 1;
            while (low < high)
            {
                ulong a = keys[low], b = keys[low + ((high - low) / 2)], c = keys[high], pivot = Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
                int i = low, j = high;
                while (i <= j)
                {
                    while (keys[i] < pivot) i++;
                    while (keys[j] > pivot) j--;
                    if (i > j) break;
                    (keys[i], keys[j]) = (keys[j], keys[i]);
                    i++;
                    j--;
                }

                if (last <= j) high = j;
                else if (last >= i) low = i;
                else return;
            }
        }
    }

    private struct PlaceWork : IParallelWork
    {
        public float* X;
        public float* Means;
        public float* Values;
        public int* Numbers;
        public nint Rows;
        public nint Columns;
        public nint Count;

        public readonly void Execute(int item, int worker)
        {
            nint end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
            for (nint row = item * RowsOfItem; row < end; row++)
            {
                float* x = X + (row * Columns);
                new Span<float>(x, (int)Columns).Fill(Means == null ? 0 : Means[row]);
                for (nint i = 0; i < Count; i++) x[Numbers[(row * Count) + i]] = Values[(row * Count) + i];
            }
        }
    }
}
