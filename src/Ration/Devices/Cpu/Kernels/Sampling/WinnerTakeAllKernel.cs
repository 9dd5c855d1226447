using System.Runtime.InteropServices;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Winner-take-all row sampling (Liu et al. 2023), and the gathering of rows.</summary>
internal static unsafe class WinnerTakeAllKernel
{
    /// <summary>Bytes of workspace for <see cref="Choose"/>.</summary>
    public static long WorkspaceBytes(nint rows) => rows * (sizeof(double) + sizeof(float) + sizeof(int));

    /// <summary>Chooses rows by their lengths; numbers and weights are overwritten.</summary>
    /// <param name="pool">The workers.</param>
    /// <param name="x">[rows, width].</param>
    /// <param name="rows">At least as many as are chosen.</param>
    /// <param name="width">Channels.</param>
    /// <param name="numbers">[chosen].</param>
    /// <param name="weights">[chosen].</param>
    /// <param name="chosen">How many.</param>
    /// <param name="random">Draws.</param>
    /// <param name="workspace"><see cref="WorkspaceBytes"/>, aligned.</param>
    public static void Choose(
        WorkerPool pool, float* x, nint rows, nint width, int* numbers, float* weights, nint chosen, CounterRandom random, byte* workspace)
    {
        double* sums = (double*)workspace;
        float* lengths = (float*)(sums + rows);
        int* order = (int*)(lengths + rows);
        ReductionKernel.RowSum(pool, x, lengths, rows, width, squares: true);
        double total = 0;
        for (nint i = 0; i < rows; i++)
        {
            lengths[i] = MathF.Sqrt(lengths[i]);
            total += lengths[i];
            order[i] = (int)i;
        }

        // Rows of zeros: all are as probable.
        for (nint i = 0; total == 0 && i < rows; i++) lengths[i] = 1;
        if (total == 0) total = rows;
        // Longest first: sorting the negatives needs no comparer, which would be allocated.
        for (nint i = 0; i < rows; i++) lengths[i] = -lengths[i];
        new Span<float>(lengths, (int)rows).Sort(new Span<int>(order, (int)rows));
        for (nint i = 0; i < rows; i++) lengths[i] = -lengths[i];
        nint winners = chosen == rows ? rows : Winners(lengths, chosen, total);
        for (nint i = 0; i < winners; i++) (numbers[i], weights[i]) = (order[i], 1);
        double rest = 0;
        for (nint i = winners; i < rows; i++) sums[i] = rest += lengths[i];
        for (nint i = winners; i < chosen; i++)
        {
            nint place = First(sums, winners, rows, random.Uniform((ulong)i) * rest);
            numbers[i] = order[place];
            weights[i] = lengths[place] == 0 ? 0 : (float)(rest / ((chosen - winners) * (double)lengths[place]));
        }
    }

    /// <summary>y = rows of x by number, each times its weight.</summary>
    public static void Gather(
        WorkerPool pool, float* x /*[.., width]*/, nint width, int* numbers /*[chosen]*/, float* weights /*[chosen], or null for one*/,
        float* y /*[chosen, width] overwritten*/, nint chosen)
    {
        GatherWork work = new() { X = x, Y = y, Numbers = numbers, Weights = weights, Width = width };
        pool.Run(ref work, checked((int)chosen));
    }

    // The number of certain rows for which what is left to chance is least for each draw (theorem 2); lengths are sorted.
    private static nint Winners(float* lengths, nint chosen, double total)
    {
        double sum = 0, best = 1.0 / chosen;
        nint winners = 0;
        for (nint count = 1; count < chosen; count++)
        {
            sum += lengths[count - 1] / total;
            double share = (1 - sum) / (chosen - count);
            if (share < best) (best, winners) = (share, count);
        }

        return winners;
    }

    // The first place whose running sum is above a number.
    private static nint First(double* sums, nint low, nint rows, double number)
    {
        nint high = rows - 1;
        while (low < high)
        {
            nint middle = (low + high) / 2;
            if (sums[middle] > number) high = middle;
            else low = middle + 1;
        }

        return low;
    }

    private struct GatherWork : IParallelWork
    {
        public float* X;
        public float* Y;
        public int* Numbers;
        public float* Weights;
        public nint Width;

        public readonly void Execute(int item, int worker)
        {
            float* source = X + (Numbers[item] * Width), target = Y + (item * Width);
            if (Weights == null) NativeMemory.Copy(source, target, (nuint)Width * sizeof(float));
            else ElementwiseLoops.BinaryScalar<Multiply>(source, Weights[item], target, Width);
        }
    }
}
