using System.Runtime.InteropServices;
using Ration.Devices.Cpu.MatrixProduct.Tiles;
using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>
/// The matrix product on all workers: panels of both factors are packed into f32 as they are needed and multiplied by a
/// register-blocked micro-kernel (Goto and van de Geijn 2008); quantized rows in tiles are multiplied as they are. The result is the
/// same, bit for bit, for any number of workers.
/// </summary>
internal static unsafe class Gemm
{
    // Below this many multiplications waking the other workers costs more than they save.
    private const double SequentialProducts = 1 << 16;

    // What rounding an activation costs beside a multiplication.
    private const double RoundingProducts = 8;

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
    /// <param name="workspace"><see cref="WorkspaceBytes(in MatrixOperand, in MatrixOperand, nint, nint, nint, int)"/> bytes, aligned to 64.</param>
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

        if (TakesTiles(a, b, m)) MultiplyTiles(pool, a, b, c, cStride, m, n, k, accumulate, workspace);
        else if (m <= RowProduct.LargestM && b.Transposed && b.Layout == StorageLayout.Rows) MultiplyRows(pool, a, b, c, cStride, m, n, k, accumulate, workspace);
        else MultiplyBlocks(pool, a, b, c, cStride, m, n, k, accumulate, workspace);
    }

    /// <summary>Bytes of workspace for a product: about 5 MiB at most, whatever the number of threads.</summary>
    /// <param name="a">Left factor; its data is not looked at.</param>
    /// <param name="b">Right factor; its data is not looked at.</param>
    /// <param name="m">Rows of the result.</param>
    /// <param name="n">Columns of the result.</param>
    /// <param name="k">Depth.</param>
    /// <param name="threads">Workers of the pool; each shares the one workspace.</param>
    public static long WorkspaceBytes(in MatrixOperand a, in MatrixOperand b, nint m, nint n, nint k, int threads)
    {
        if (m <= 0 || n <= 0 || k <= 0 || !TakesTiles(a, b, m)) return WorkspaceBytes(m, n, k, threads, BlockElements(a.Type, b.Type));
        return TileFormats.RoundsActivations(b.Type) ? ActivationRows.Bytes(nint.Min(m, ActivationRows.Chunk(k)), k) : 0;
    }

    /// <summary>Bytes of workspace for a product of factors that lie in no tiles: about 5 MiB at most, whatever the number of threads.</summary>
    /// <param name="m">Rows of the result.</param>
    /// <param name="n">Columns of the result.</param>
    /// <param name="k">Depth.</param>
    /// <param name="threads">Workers of the pool; each shares the one workspace.</param>
    /// <param name="blockElements">Elements that a factor stores together.</param>
    public static long WorkspaceBytes(nint m, nint n, nint k, int threads, int blockElements = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        if (m <= 0 || n <= 0 || k <= 0) return 0;
        var plan = new GemmPlan(m, n, k, blockElements);
        long packed = (plan.BuffersOfA * (long)plan.BlockOfAFloats) + (plan.BuffersOfB * (long)plan.BlockOfBFloats);
        long blocks = GemmWork.ProgressBytes(plan) + (packed * sizeof(float));
        return m <= RowProduct.LargestM ? long.Max(blocks, m * (long)k * sizeof(float)) : blocks;
    }

    /// <summary>Elements that either of two factors stores together.</summary>
    public static int BlockElements(DType a, DType b) => int.Max(a.BlockElements(), b.BlockElements());

    // Where activations are rounded, for any number of rows: so a row's result is the same alone and among others.
    private static bool TakesTiles(in MatrixOperand a, in MatrixOperand b, nint m) =>
        b.Layout == StorageLayout.Tiles && a.Type == DType.F32 && !a.Transposed
        && (TileFormats.RoundsActivations(b.Type) || m <= TileProduct.LargestUnroundedM);

    // Checked before any worker starts: an item that threw would leave others waiting for it.
    private static void RequireFloating(DType type)
    {
        if (!type.IsReal()) throw new NotSupportedException($"no matrix product with factors of {type}");
    }

    private static void MultiplyBlocks(
        WorkerPool pool, in MatrixOperand a, in MatrixOperand b, float* c, nint cStride, nint m, nint n, nint k, bool accumulate, byte* workspace)
    {
        var plan = new GemmPlan(m, n, k, BlockElements(a.Type, b.Type));
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

    // Whole tiles by their own kernel, the rows of B that are left one by one.
    private static void MultiplyTiles(
        WorkerPool pool, in MatrixOperand a, in MatrixOperand b, float* c, nint cStride, nint m, nint n, nint k, bool accumulate, byte* workspace)
    {
        nint tiled = b.TiledRows;
        var rounded = new ActivationRows { Values = (float*)a.Data, Stride = a.RowStride, Rounded = (ActivationBlock*)workspace, K = k };
        var work = new TileProduct
        {
            A = rounded.Values,
            AStride = a.RowStride,
            Rounded = rounded.Rounded,
            B = b.Data,
            Type = b.Type,
            C = c,
            CStride = cStride,
            N = tiled,
            K = k,
            Accumulate = accumulate,
        };
        bool rounds = TileFormats.RoundsActivations(b.Type);
        nint chunk = rounds ? ActivationRows.Chunk(k) : m;
        for (nint row = 0; row < m && tiled > 0; row += chunk)
        {
            rounded.M = work.M = nint.Min(chunk, m - row);
            if (rounds) Run(pool, ref rounded, rounded.Items, RoundingProducts * work.M * k);
            Run(pool, ref work, work.Items, (double)work.M * tiled * k);
            rounded.Values = work.A += chunk * a.RowStride;
            work.C += chunk * cStride;
        }

        if (tiled == n) return;
        var rest = new MatrixOperand(b.At(tiled, 0), b.Type, b.RowStride, transposed: true);
        MultiplyRows(pool, a, rest, c + tiled, cStride, m, n - tiled, k, accumulate, workspace);
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
