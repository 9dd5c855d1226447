using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Tensors;

namespace Ration.Benchmarks;

/// <summary>Attention of one token over long caches in every format, against merely reading the keys and values.</summary>
internal static unsafe class CachesAgainstMemory
{
    /// <summary>Compares all formats for three sharings of heads.</summary>
    public static int Run(string[] arguments)
    {
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), rounds = Options.Number(arguments, "--rounds", 9);
        int keys = Options.Number(arguments, "--keys", 65_536);
        using var pool = new WorkerPool(threads);
        var pair = new PairedBenchmark("Ration", "reading", "GB/s", rounds);
        pair.WriteHead();
        foreach ((int heads, int kvHeads, int d) in ((int, int, int)[])[(32, 8, 64), (32, 8, 128), (8, 8, 64), (8, 1, 256)])
        {
            foreach (DType type in (DType[])[DType.F32, DType.F16, DType.BF16, DType.Q8_0]) Compare(pair, pool, Shape(keys, heads, kvHeads, d, type));
        }

        return 0;
    }

    private static AttentionShape Shape(int keys, int heads, int kvHeads, int d, DType type) => new()
    {
        Rows = 1,
        Queries = 1,
        Keys = keys * 512 / (kvHeads * d),
        Heads = heads,
        KvHeads = kvHeads,
        HeadDimension = d,
        KeyType = type,
        Scale = 0.1f,
    };

    private static void Compare(PairedBenchmark pair, WorkerPool pool, AttentionShape shape)
    {
        nint channels = shape.Heads * shape.HeadDimension, bytes = shape.Keys * shape.KeyStepBytes;
        byte* caches = (byte*)NativeMemory.AlignedAlloc((nuint)(2 * bytes), 2 << 20);
        float* q = (float*)NativeMemory.AlignedAlloc((nuint)(3 * channels * sizeof(float)), 64);
        byte* workspace = (byte*)NativeMemory.AlignedAlloc((nuint)AttentionKernel.ForwardWorkspaceBytes(shape, pool.Threads), 64);
        int* ranges = (int*)NativeMemory.AlignedAlloc(64, 64);
        (ranges[0], ranges[1]) = (0, (int)shape.Keys - 1);
        new Span<byte>(caches, (int)(2 * bytes)).Fill(0x22);
        new Span<float>(q, (int)channels).Fill(0.01f);
        pair.Compare($"{shape.Heads}/{shape.KvHeads} heads of {shape.HeadDimension}, {shape.KeyType}", 2e-9 * bytes,
            () => AttentionKernel.Forward(pool, q, caches, caches + bytes, ranges, q + channels, q + (2 * channels), shape, workspace),
            () =>
            {
                Reading reading = new() { Data = caches, Bytes = 2 * bytes, Sums = (float*)workspace };
                pool.Run(ref reading, (int)(2 * bytes / Reading.ItemBytes));
            });
        NativeMemory.AlignedFree(caches);
        NativeMemory.AlignedFree(q);
        NativeMemory.AlignedFree(workspace);
        NativeMemory.AlignedFree(ranges);
    }

    private struct Reading : IParallelWork
    {
        public const int ItemBytes = 256 << 10;

        public byte* Data;
        public nint Bytes;
        public float* Sums;

        public readonly void Execute(int item, int worker)
        {
            byte* at = Data + ((nint)item * ItemBytes), end = at + ItemBytes;
            Vector512<int> even = default, odd = default;
            for (; at < end; at += 128)
            {
                even ^= Vector512.Load((int*)at);
                odd ^= Vector512.Load((int*)(at + 64));
            }

            Sums[item % 64] = Vector512.Sum(even ^ odd);
        }
    }
}
