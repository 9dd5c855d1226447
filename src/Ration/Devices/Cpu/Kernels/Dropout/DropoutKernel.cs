using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Dropout (Srivastava et al. 2014) without a stored mask: whether an element lives is a function of seed, draw, site and its number,
/// so the gradient is the same call on the gradient.
/// </summary>
internal static unsafe class DropoutKernel
{
    private const int Chunk = 1024;

    /// <summary>y = x/(1 − probability) where an element lives, else 0. y may be x.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The probability is not in [0, 1).</exception>
    public static void Apply(
        WorkerPool pool, float* x /*[elements]*/, float* y /*[elements] overwritten*/, nint elements, float probability, ulong seed,
        ulong draw, int site)
    {
        if (probability is not (>= 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(probability), $"{probability} is not in [0, 1)");
        Work work = new()
        {
            X = x, Y = y, Elements = elements, Seed = seed, Scale = 1 / (1 - probability),
            Threshold = (uint)(probability * 4294967296.0),

            // The highest bit keeps clear of the streams that weights are drawn from.
            Stream = (1UL << 63) | (((ulong)(uint)site << 40) ^ draw),
        };
        pool.Run(ref work, ElementwiseKernel.Items(elements));
    }

    private struct Work : IParallelWork
    {
        public float* X;
        public float* Y;
        public nint Elements;
        public ulong Seed;
        public ulong Stream;
        public uint Threshold;
        public float Scale;

        [SkipLocalsInit]
        public readonly void Execute(int item, int worker)
        {
            float* factors = stackalloc float[Chunk];
            uint* words = stackalloc uint[RandomGroup.Size];
            nint start = item * ElementwiseKernel.Block, end = nint.Min(Elements, start + ElementwiseKernel.Block);
            for (; start < end; start += Chunk)
            {
                nint count = nint.Min(Chunk, end - start);
                for (nint i = 0; i < count; i += RandomGroup.Size)
                {
                    RandomGroup.Fill(Seed, Stream, (ulong)(start + i) / RandomGroup.Size, words);
                    for (int j = 0; j < RandomGroup.Size; j++) factors[i + j] = words[j] >= Threshold ? Scale : 0;
                }

                ElementwiseLoops.Binary<Multiply>(X + start, factors, Y + start, count);
            }
        }
    }
}
