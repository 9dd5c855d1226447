using System.Runtime.InteropServices;
using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>
/// The f32 matrix product on all workers: panels of both factors are packed into f32 as they are needed and multiplied by a
/// register-blocked micro-kernel (Goto and van de Geijn 2008). The result is the same, bit for bit, for any number of workers.
/// </summary>
internal static unsafe class Gemm
{
    // Below this many multiplications waking the other workers costs more than they save.
    private const double SequentialProducts = 1 << 16;

    /// <summary>C [m, n] = (accumulate ? C : 0) + A [m, k]·B [k, n].</summary>
    /// <param name="pool">The workers.</param>
    /// <param name="a">Left factor, logically [m, k].</param>
    /// <param name="b">Right factor, logically [k, n].</param>
    /// <param name="c">The result's first element; any alignment.</param>
    /// <param name="cStride">Floats from one row of C to the next.</param>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="n">Columns of B and C.</param>
    /// <param name="k">Columns of A, rows of B; with 0, C is kept or zeroed.</param>
    /// <param name="accumulate">Whether to add to what C holds, else C is overwritten.</param>
    /// <param name="workspace"><see cref="WorkspaceBytes"/> bytes, aligned to 64.</param>
    public static void Multiply(
        WorkerPool pool, in MatrixOperand a, in MatrixOperand b, float* c, nint cStride, nint m, nint n, nint k, bool accumulate, byte* workspace)
    {
        RequireFloating(a.Type);
        RequireFloating(b.Type);
        if (m <= 0 || n <= 0) return;
        if (k <= 0)
        {
            if (!accumulate)
                for (nint row = 0; row < m; row++) NativeMemory.Clear(c + (row * cStride), (nuint)n * sizeof(float));
            return;
        }

        if (m <= RowProduct.LargestM && b.Transposed) MultiplyRows(pool, a, b, c, cStride, m, n, k, accumulate, workspace);
        else MultiplyBlocks(pool, a, b, c, cStride, m, n, k, accumulate, workspace);
    }

    /// <summary>Bytes of workspace for a product of these sizes: about 5 MiB at most, whatever the number of threads.</summary>
    /// <param name="m">Rows of the result.</param>
    /// <param name="n">Columns of the result.</param>
    /// <param name="k">Depth.</param>
    /// <param name="threads">Workers of the pool; each shares the one workspace.</param>
    public static long WorkspaceBytes(nint m, nint n, nint k, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        if (m <= 0 || n <= 0 || k <= 0) return 0;
        var plan = new GemmPlan(m, n, k);
        long packed = (plan.BuffersOfA * (long)plan.BlockOfAFloats) + (plan.BuffersOfB * (long)plan.BlockOfBFloats);
        long blocks = GemmWork.ProgressBytes(plan) + (packed * sizeof(float));
        return m <= RowProduct.LargestM ? long.Max(blocks, m * (long)k * sizeof(float)) : blocks;
    }

    // Checked before any worker starts: an item that threw would leave others waiting for it.
    private static void RequireFloating(DType type)
    {
        if (!type.IsFloating()) throw new NotSupportedException($"no matrix product with factors of {type}");
    }

    private static void MultiplyBlocks(
        WorkerPool pool, in MatrixOperand a, in MatrixOperand b, float* c, nint cStride, nint m, nint n, nint k, bool accumulate, byte* workspace)
    {
        var plan = new GemmPlan(m, n, k);
        nint progressBytes = GemmWork.ProgressBytes(plan);
        NativeMemory.Clear(workspace, (nuint)progressBytes);
        float* packedA = (float*)(workspace + progressBytes);
        var work = new GemmWork
        {
            Plan = plan,
            A = a,
            B = b,
            C = c,
            CStride = cStride,
            M = m,
            N = n,
            K = k,
            Accumulate = accumulate,
            Progress = workspace,
            PackedA = packedA,
            PackedB = packedA + (plan.BuffersOfA * plan.BlockOfAFloats),
        };
        Run(pool, ref work, work.Items, (double)m * n * k);
    }

    private static void MultiplyRows(
        WorkerPool pool, in MatrixOperand a, in MatrixOperand b, float* c, nint cStride, nint m, nint n, nint k, bool accumulate, byte* workspace)
    {
        float* rows = (float*)a.Data;
        nint stride = a.RowStride;
        if (a.Type != DType.F32 || a.Transposed)
        {
            rows = (float*)workspace;
            stride = k;
            for (nint row = 0; row < m; row++) PanelPacking.ReadRow(a, row, k, rows + (row * k));
        }

        var work = new RowProduct
        {
            A = rows,
            AStride = stride,
            B = b,
            C = c,
            CStride = cStride,
            M = m,
            N = n,
            K = k,
            Accumulate = accumulate,
        };
        Run(pool, ref work, work.Items, (double)m * n * k);
    }

    private static void Run<TWork>(WorkerPool pool, ref TWork work, int items, double products)
        where TWork : unmanaged, IParallelWork
    {
        if (products > SequentialProducts)
        {
            pool.Run(ref work, items);
            return;
        }

        for (int item = 0; item < items; item++) work.Execute(item, 0);
    }
}
