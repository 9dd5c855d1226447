using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Devices.Cpu.MatrixProduct.Tiles;
using Ration.Graphs;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Benchmarks;

/// <summary>The product of many rows with stored weights, as for a prompt, against the same product with f32 weights.</summary>
internal static unsafe class StoredWeightsAgainstFloats
{
    private const int Outputs = 2048, Inputs = 2048;

    // More than a product of any of these sizes needs.
    private const int WorkspaceBytes = 16 << 20;

    /// <summary>Compares all weight types, for a few and for many rows.</summary>
    public static int Run(string[] arguments)
    {
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), rounds = Options.Number(arguments, "--rounds", 5);
        using var pool = new WorkerPool(threads);
        var pair = new PairedBenchmark("stored", "f32", "GFLOP/s", rounds);
        pair.WriteHead();
        float* weights = Random((nint)Outputs * Inputs), x = Random((nint)512 * Inputs), y = Random((nint)512 * Outputs);
        byte* stored = (byte*)NativeMemory.AlignedAlloc((nuint)Outputs * Inputs * 4, 64);
        byte* workspace = (byte*)NativeMemory.AlignedAlloc(WorkspaceBytes, 64);
        foreach (DType type in (DType[])[DType.BF16, DType.F16, DType.F8E4M3, DType.Q8_0, DType.Q4_0, DType.Q5_1, DType.Q4_K, DType.Q5_K, DType.Q6_K, DType.NF4])
            foreach (int rows in (int[])[8, 32, 128, 512])
            {
                var layout = TileFormats.Supports(type) ? StorageLayout.Tiles : StorageLayout.Rows;
                TensorCodec.Encode(type, weights, stored, (nint)Outputs * Inputs);
                var a = new MatrixOperand(x, DType.F32, Inputs, transposed: false);
                var b = new MatrixOperand(stored, type, Inputs, transposed: true, layout, Outputs);
                var plain = new MatrixOperand(weights, DType.F32, Inputs, transposed: true);
                int m = rows;
                pair.Compare($"{rows} × {Inputs} by {Outputs} × {Inputs} {type}", 2e-9 * rows * Inputs * Outputs,
                    () => Gemm.Multiply(pool, a, b, y, Outputs, m, Outputs, Inputs, accumulate: false, workspace),
                    () => Gemm.Multiply(pool, a, plain, y, Outputs, m, Outputs, Inputs, accumulate: false, workspace));
            }

        foreach (nint block in (nint[])[(nint)weights, (nint)x, (nint)y, (nint)stored, (nint)workspace]) NativeMemory.AlignedFree((void*)block);
        return 0;
    }

    private static float* Random(nint count)
    {
        float* values = (float*)NativeMemory.AlignedAlloc((nuint)count * sizeof(float), 64);
        var random = new Random(1);
        for (nint i = 0; i < count; i++) values[i] = random.NextSingle() - 0.5f;
        return values;
    }
}
