using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Normal numbers by Box and Muller's method, many at a time: words 0 and 1 of a counter give two numbers, words 2 and 3 two more. A
/// number depends on its place alone and has the same bits with any vectors and on any number of threads.
/// </summary>
internal static unsafe class RandomMatrixKernel
{
    /// <summary>Elements of one item of work: whole groups.</summary>
    public const nint Block = 16 << 10;

    /// <summary>Normal numbers of a stream from its first on.</summary>
    public static void Fill(WorkerPool pool, float* values /*[elements] overwritten*/, nint elements, float deviation, ulong seed, ulong stream)
    {
        Work work = new() { Values = values, Elements = elements, Deviation = deviation, Seed = seed, Stream = stream };
        pool.Run(ref work, checked((int)((elements + Block - 1) / Block)));
    }

    private static void Group<T>(uint* words /*[64]*/, float* values /*[64] overwritten*/, float deviation)
        where T : unmanaged, ILanes<T>
    {
        for (nint pair = 0; pair < RandomGroup.Size; pair += RandomGroup.Size / 2)
        {
            for (nint i = pair; i < pair + RandomGroup.Counters; i += T.Count)
            {
                T radius = T.Create(deviation) * T.Sqrt(T.Create(-2f) * VectorMath.Log(T.Uniform(words + i)));
                T angle = T.Create(4f) * T.Uniform(words + i + RandomGroup.Counters);
                T quarters = T.Round(angle);
                T sine = VectorMath.SineCosine(quarters, angle - quarters, out T cosine);
                (radius * cosine).Store(values + i);
                (radius * sine).Store(values + i + RandomGroup.Counters);
            }
        }
    }

    private struct Work : IParallelWork
    {
        public float* Values;
        public nint Elements;
        public ulong Seed;
        public ulong Stream;
        public float Deviation;

        [SkipLocalsInit]
        public readonly void Execute(int item, int worker)
        {
            uint* words = stackalloc uint[RandomGroup.Size];
            float* last = stackalloc float[RandomGroup.Size];
            nint end = nint.Min(Elements, (item + 1) * Block);
            for (nint start = item * Block; start < end; start += RandomGroup.Size)
            {
                bool whole = end - start >= RandomGroup.Size;
                float* group = whole ? Values + start : last;
                RandomGroup.Fill(Seed, Stream, (ulong)start / RandomGroup.Size, words);
                if (LaneWidth.Is16) Group<Lanes16>(words, group, Deviation);
                else if (LaneWidth.Is8) Group<Lanes8>(words, group, Deviation);
                else Group<Lanes1>(words, group, Deviation);
                if (!whole) new Span<float>(last, (int)(end - start)).CopyTo(new Span<float>(Values + start, (int)(end - start)));
            }
        }
    }
}
