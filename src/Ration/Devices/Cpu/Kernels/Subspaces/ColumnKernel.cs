namespace Ration.Devices.Cpu.Kernels;

/// <summary>Moves chosen columns of a matrix out and back in. Numbers of columns that do not exist are an error of the caller.</summary>
internal static unsafe class ColumnKernel
{
    /// <summary>y = the columns of x of these numbers.</summary>
    public static void Select(
        WorkerPool pool, float* x /*[rows, columns]*/, float* numbers /*[count]*/, float* y /*[rows, count] overwritten*/, nint rows, nint columns,
        nint count)
    {
        Work work = new() { Source = x, Target = y, Numbers = numbers, Rows = rows, Columns = columns, Count = count, Selects = true };
        pool.Run(ref work, Items(rows, count));
    }

    /// <summary>The columns of y of these numbers = x.</summary>
    public static void Replace(
        WorkerPool pool, float* x /*[rows, count]*/, float* numbers /*[count]*/, float* y /*[rows, columns] columns of these numbers overwritten*/, nint rows,
        nint columns, nint count)
    {
        Work work = new() { Source = x, Target = y, Numbers = numbers, Rows = rows, Columns = columns, Count = count };
        pool.Run(ref work, Items(rows, count));
    }

    private static nint RowsOfItem(nint count) => nint.Max(1, ElementwiseKernel.Block / nint.Max(1, count));

    private static int Items(nint rows, nint count) => checked((int)((rows + RowsOfItem(count) - 1) / RowsOfItem(count)));

    private struct Work : IParallelWork
    {
        public float* Source;
        public float* Target;
        public float* Numbers;
        public nint Rows;
        public nint Columns;
        public nint Count;
        public bool Selects;

        public readonly void Execute(int item, int worker)
        {
            nint start = item * RowsOfItem(Count), end = nint.Min(Rows, start + RowsOfItem(Count));
            for (nint row = start; row < end; row++)
            {
                float* wide = (Selects ? Source : Target) + (row * Columns), narrow = (Selects ? Target : Source) + (row * Count);
                for (nint i = 0; i < Count; i++)
                {
                    if (Selects) narrow[i] = wide[(nint)Numbers[i]];
                    else wide[(nint)Numbers[i]] = narrow[i];
                }
            }
        }
    }
}
