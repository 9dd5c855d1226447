using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Ration.Devices.Cpu;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Benchmarks;

/// <summary>The f32 matrix product against OpenBLAS: squares, and the three products of a linear layer in training.</summary>
internal static unsafe class GemmAgainstOpenBlas
{
    private const int Tokens = 1024;

    /// <summary>Runs all shapes whose name contains what follows --only.</summary>
    public static int Run(string[] arguments)
    {
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), rounds = Options.Number(arguments, "--rounds", 9);
        string only = Options.Text(arguments, "--only", "");
        if (OpenBlas.TryLoad(threads) is not { } blas)
        {
            Console.Error.WriteLine("OpenBLAS is not installed (libopenblas.so.0): there is nothing to compare with. Debian and Ubuntu: libopenblas0-pthread.");
            return 2;
        }

        Console.WriteLine($"OpenBLAS: {blas.Description}");
        if (Vector512.IsHardwareAccelerated && blas.Description.EndsWith("Haswell", StringComparison.Ordinal))
            Console.WriteLine("This OpenBLAS does not know the processor and uses 256-bit kernels; OPENBLAS_CORETYPE=SKYLAKEX gives it its 512-bit ones.");
        Console.WriteLine($"{threads} threads, Ration with vectors of {(Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128)} bits, {rounds} rounds");
        using var pool = new WorkerPool(threads);
        var pair = new PairedBenchmark("Ration", "OpenBLAS", "GFLOP/s", rounds);
        pair.WriteHead();
        var logarithms = new List<double>();
        foreach ((string name, int m, int n, int k, bool aTransposed, bool bTransposed) in Shapes())
            if (name.Contains(only, StringComparison.Ordinal))
                logarithms.Add(Math.Log(Compare(pair, pool, blas, name, m, n, k, aTransposed, bTransposed)));
        if (logarithms.Count > 0)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"geometric mean of the ratios {Math.Exp(logarithms.Average()):F3}"));
        return 0;
    }

    private static IEnumerable<(string Name, int M, int N, int K, bool ATransposed, bool BTransposed)> Shapes()
    {
        foreach (int size in (int[])[1056, 2064, 3072, 4128]) yield return ($"square {size}", size, size, size, false, false);
        foreach ((int input, int output) in ((int, int)[])[(768, 768), (768, 256), (768, 2048), (2048, 768), (768, 32000)])
        {
            yield return ($"{input}→{output} forward x·Wᵀ", Tokens, output, input, false, true);
            yield return ($"{input}→{output} input gradient dy·W", Tokens, input, output, false, false);
            yield return ($"{input}→{output} weight gradient dyᵀ·x", output, input, Tokens, true, false);
        }
    }

    private static double Compare(
        PairedBenchmark pair, WorkerPool pool, OpenBlas blas, string name, int m, int n, int k, bool aTransposed, bool bTransposed)
    {
        float* a = Random((nint)m * k), b = Random((nint)k * n), c = Random((nint)m * n);
        byte* workspace = (byte*)NativeMemory.AlignedAlloc((nuint)Gemm.WorkspaceBytes(m, n, k, pool.Threads), 64);
        var left = new MatrixOperand(a, DType.F32, aTransposed ? m : k, aTransposed);
        var right = new MatrixOperand(b, DType.F32, bTransposed ? k : n, bTransposed);
        double ratio = pair.Compare(name, 2e-9 * m * n * k,
            () => Gemm.Multiply(pool, left, right, c, n, m, n, k, accumulate: false, workspace),
            () => blas.Multiply(a, aTransposed, b, bTransposed, c, m, n, k));
        NativeMemory.AlignedFree(a);
        NativeMemory.AlignedFree(b);
        NativeMemory.AlignedFree(c);
        NativeMemory.AlignedFree(workspace);
        return ratio;
    }

    private static float* Random(nint count)
    {
        var random = new Random(1);
        float* values = (float*)NativeMemory.AlignedAlloc((nuint)count * sizeof(float), 64);
        for (nint i = 0; i < count; i++) values[i] = random.NextSingle() - 0.5f;
        return values;
    }
}
