using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Dropout (Srivastava et al. 2014) without a stored mask: whether an element lives is a function of seed, draw, site and its number
/// in its row, and each row has a draw of its own; so the gradient is the same call on the gradient, and rows may be split anyhow.
/// </summary>
internal static unsafe class DropoutKernel
{
    private const int Chunk = 1024;

    /// <summary>y = x/(1 − probability) where an element lives, else 0. y may be x.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The probability is not in [0, 1).</exception>
    public static void Apply(
        WorkerPool pool, float* x /*[rows, elements]*/, float* y /*[rows, elements] overwritten*/, nint rows, nint elements, float probability,
        ulong seed, ulong firstDraw, int site)
    {
        if (probability is not (>= 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(probability), $"{probability} is not in [0, 1)");
        Work work = new()
        {
            X = x,
            Y = y,
            Elements = elements,
            ItemsOfRow = ElementwiseKernel.Items(elements),
            Seed = seed,
            FirstDraw = firstDraw,
            Scale = 1 / (1 - probability),
            Threshold = (uint)(probability * 4294967296.0),

            // The highest bit keeps clear of the streams that weights are drawn from.
            Site = (1UL << 63) | ((ulong)(uint)site << 40),
        };
        pool.Run(ref work, checked((int)(rows * work.ItemsOfRow)));
    }

    private struct Work : IParallelWork
    {
        public float* X;
        public float* Y;
        public nint Elements;
        public ulong Seed;
        public ulong Site;
        public ulong FirstDraw;
        public nint ItemsOfRow;
        public uint Threshold;
        public float Scale;

        [SkipLocalsInit]
        public readonly void Execute(int item, int worker)
        {
            float* factors = stackalloc float[Chunk];
            uint* words = stackalloc uint[RandomGroup.Size];
            nint row = item / ItemsOfRow, start = item % ItemsOfRow * ElementwiseKernel.Block;
            nint end = nint.Min(Elements, start + ElementwiseKernel.Block);
            float* x = X + (row * Elements), y = Y + (row * Elements);
            ulong stream = Site ^ (FirstDraw + (ulong)row);
            for (; start < end; start += Chunk)
            {
                nint count = nint.Min(Chunk, end - start);
                for (nint i = 0; i < count; i += RandomGroup.Size)
                {
                    RandomGroup.Fill(Seed, stream, (ulong)(start + i) / RandomGroup.Size, words);
                    for (int j = 0; j < RandomGroup.Size; j++) factors[i + j] = words[j] >= Threshold ? Scale : 0;
                }

                ElementwiseLoops.Binary<Multiply>(x + start, factors, y + start, count);
            }
        }
    }
}
