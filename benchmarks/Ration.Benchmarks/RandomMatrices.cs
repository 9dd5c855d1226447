using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Benchmarks;

/// <summary>A random projection made anew, against the product that it is made for.</summary>
internal static unsafe class RandomMatrices
{
    private const int Width = 2048, Gradients = 5632;

    /// <summary>Compares the kernel with the scalar generator, and with the product, for some ranks.</summary>
    public static int Run(string[] arguments)
    {
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), rounds = Options.Number(arguments, "--rounds", 9);
        using var pool = new WorkerPool(threads);
        var pair = new PairedBenchmark("made", "other", "M numbers/s", rounds);
        pair.WriteHead();
        float* gradient = (float*)NativeMemory.AlignedAlloc((nuint)Width * Gradients * 4, 64);
        new Span<float>(gradient, Width * Gradients).Fill(0.5f);
        foreach (int rank in (int[])[1, 64, 512])
        {
            float* projection = (float*)NativeMemory.AlignedAlloc((nuint)rank * Width * 4, 64), product = (float*)NativeMemory.AlignedAlloc((nuint)rank * Gradients * 4, 64);
            byte* workspace = (byte*)NativeMemory.AlignedAlloc((nuint)Gemm.WorkspaceBytes(rank, Gradients, Width, threads), 64);
            var a = new MatrixOperand(projection, DType.F32, Width, transposed: false);
            var b = new MatrixOperand(gradient, DType.F32, Gradients, transposed: false);
            void Make() => RandomMatrixKernel.Fill(pool, projection, rank * Width, 1, 1, 2);
            pair.Compare($"{rank} × {Width}, scalar on 1 thread", 1e-6 * rank * Width, Make,
                () => new CounterRandom(1, 2).FillNormal(0, new Span<float>(projection, rank * Width), 1));
            pair.Compare($"{rank} × {Width}, product by {Width} × {Gradients}", 1e-6 * rank * Width, Make,
                () => Gemm.Multiply(pool, a, b, product, Gradients, rank, Gradients, Width, accumulate: false, workspace));
            NativeMemory.AlignedFree(projection);
            NativeMemory.AlignedFree(product);
            NativeMemory.AlignedFree(workspace);
        }

        NativeMemory.AlignedFree(gradient);
        return 0;
    }
}
