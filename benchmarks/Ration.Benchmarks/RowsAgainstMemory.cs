using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Ration.Devices.Cpu;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Benchmarks;

/// <summary>The product of one or a few rows with stored weights, as in generation, against merely reading the weights.</summary>
internal static unsafe class RowsAgainstMemory
{
    private const int Outputs = 64000, Inputs = 2048;

    /// <summary>Compares all weight types with one and with four rows.</summary>
    public static int Run(string[] arguments)
    {
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), rounds = Options.Number(arguments, "--rounds", 9);
        using var pool = new WorkerPool(threads);
        var pair = new PairedBenchmark("Ration", "reading", "GB/s", rounds);
        pair.WriteHead();
        byte* weights = (byte*)NativeMemory.AlignedAlloc((nuint)Outputs * Inputs * 4, 64);
        float* x = (float*)NativeMemory.AlignedAlloc(4 * Inputs * 4, 64), y = (float*)NativeMemory.AlignedAlloc((nuint)4 * Outputs * 4, 64);
        for (nint row = 0; row < Outputs; row++) new Span<byte>(weights + (row * Inputs * 4), Inputs * 4).Fill(0x3A);
        new Span<float>(x, 4 * Inputs).Fill(1);
        byte* workspace = (byte*)NativeMemory.AlignedAlloc((nuint)Gemm.WorkspaceBytes(4, Outputs, Inputs, threads), 64);
        foreach (DType type in (DType[])[DType.F32, DType.BF16, DType.F16, DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K, DType.NF4])
            foreach (int rows in (int[])[1, 4])
            {
                var layout = type.IsQuantized() ? StorageLayout.Tiles : StorageLayout.Rows;
                nint bytes = (nint)type.Bytes(new Shape(Outputs, Inputs));
                var a = new MatrixOperand(x, DType.F32, Inputs, transposed: false);
                var b = new MatrixOperand(weights, type, Inputs, transposed: true, layout, Outputs);
                pair.Compare($"{rows} × {Inputs} by {Outputs} × {Inputs} {type}", 1e-9 * bytes,
                    () => Gemm.Multiply(pool, a, b, y, Outputs, rows, Outputs, Inputs, accumulate: false, workspace),
                    () =>
                    {
                        var reading = new Reading { Data = weights, Bytes = bytes, Sums = y };
                        pool.Run(ref reading, reading.Items);
                    });
            }

        NativeMemory.AlignedFree(weights);
        NativeMemory.AlignedFree(x);
        NativeMemory.AlignedFree(y);
        NativeMemory.AlignedFree(workspace);
        return 0;
    }

    private struct Reading : IParallelWork
    {
        private const int ItemBytes = 256 << 10;

        public byte* Data;
        public nint Bytes;
        public float* Sums;

        public readonly int Items => (int)(Bytes / ItemBytes);

        public readonly void Execute(int item, int worker)
        {
            byte* at = Data + ((nint)item * ItemBytes), end = at + ItemBytes;
            Vector512<int> s0 = default, s1 = default, s2 = default, s3 = default;
            for (; at < end; at += 256)
            {
                s0 ^= Vector512.Load((int*)at);
                s1 ^= Vector512.Load((int*)(at + 64));
                s2 ^= Vector512.Load((int*)(at + 128));
                s3 ^= Vector512.Load((int*)(at + 192));
            }

            Sums[item] = Vector512.Sum(s0 ^ s1 ^ s2 ^ s3);
        }
    }
}
