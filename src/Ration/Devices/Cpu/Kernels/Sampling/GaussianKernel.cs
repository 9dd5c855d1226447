using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Matrices of normal numbers by their places.</summary>
internal static unsafe class GaussianKernel
{
    /// <summary>Fills with normal numbers of a stream.</summary>
    public static void Fill(WorkerPool pool, float* y /*[elements] overwritten*/, nint elements, float deviation, ulong seed, ulong stream)
    {
        FillWork work = new() { Y = y, Elements = elements, Deviation = deviation, Seed = seed, Stream = stream };
        pool.Run(ref work, ElementwiseKernel.Items(elements));
    }

    private struct FillWork : IParallelWork
    {
        public float* Y;
        public nint Elements;
        public float Deviation;
        public ulong Seed;
        public ulong Stream;

        public readonly void Execute(int item, int worker)
        {
            nint start = item * ElementwiseKernel.Block;
            new CounterRandom(Seed, Stream).FillNormal((ulong)start, new Span<float>(Y + start, (int)nint.Min(ElementwiseKernel.Block, Elements - start)), Deviation);
        }
    }
}
