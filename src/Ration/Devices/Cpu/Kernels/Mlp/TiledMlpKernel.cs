using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>An MLP's addresses and sizes.</summary>
internal unsafe struct TiledMlpArguments
{
    /// <summary>[rows, width].</summary>
    public float* X;

    /// <summary>Gate where there is one, up, down: as they are stored, [output, input]; then gradients of each, null where not wanted.</summary>
    public MatrixOperand Gate, Up, Down;

    /// <summary>Biases, null where there are none.</summary>
    public float* GateBias, UpBias, DownBias;

    /// <summary>Rows, channels of x, of the hidden layer and of the result.</summary>
    public nint Rows, Width, Hidden, Output;

    /// <summary>How many tiles.</summary>
    public int Tiles;

    /// <summary>Whether there is a gate.</summary>
    public bool IsGated;
}

/// <summary>Where gradients go; null where one is not wanted.</summary>
internal unsafe struct TiledMlpGradients
{
    /// <summary>[rows, output].</summary>
    public float* Dy;

    /// <summary>[rows, width]; may be dy or x.</summary>
    public float* Dx;

    /// <summary>Of the matrices and biases.</summary>
    public float* Gate, Up, Down, GateBias, UpBias, DownBias;

    /// <summary>Whether what they hold is added to.</summary>
    public bool AddsGate, AddsUp, AddsDown, AddsGateBias, AddsUpBias, AddsDownBias;
}

/// <summary>MLPs over tiles of rows (Bekman et al. 2025): the hidden layer of one tile at a time, in scratch.</summary>
internal static unsafe class TiledMlpKernel
{
    /// <summary>y = down·(f(gate·x) · (up·x)).</summary>
    public static void Forward<TActivation>(WorkerPool pool, in TiledMlpArguments mlp, float* y /*[rows, output] overwritten*/, byte* workspace)
        where TActivation : struct, IActivation
    {
        nint tileRows = TileRows(mlp.Rows, mlp.Tiles);
        float* up = (float*)workspace, gate = up + (tileRows * mlp.Hidden);
        byte* scratch = workspace + HiddenBytes(tileRows, mlp.Hidden, mlp.IsGated ? 2 : 1);
        for (int tile = 0; tile < mlp.Tiles; tile++)
        {
            nint first = mlp.Rows * tile / mlp.Tiles, rows = (mlp.Rows * (tile + 1) / mlp.Tiles) - first;
            Hidden(pool, mlp, first, rows, gate, up, scratch);
            if (mlp.IsGated) GatedActivationKernel.Forward<TActivation>(pool, gate, up, up, rows * mlp.Hidden);
            else ActivationKernel.Forward<TActivation>(pool, up, up, rows * mlp.Hidden);
            float* result = y + (first * mlp.Output);
            Gemm.Multiply(pool, Rows(up, mlp.Hidden), mlp.Down.Transpose(), result, mlp.Output, rows, mlp.Output, mlp.Hidden, false, scratch);
            if (mlp.DownBias != null) ReductionKernel.AddBias(pool, result, mlp.DownBias, result, rows, mlp.Output);
        }
    }

    /// <summary>Every gradient that is wanted.</summary>
    public static void Backward<TActivation>(WorkerPool pool, in TiledMlpArguments mlp, TiledMlpGradients to, byte* workspace)
        where TActivation : struct, IActivation
    {
        nint tileRows = TileRows(mlp.Rows, mlp.Tiles), size = tileRows * mlp.Hidden;
        float* up = (float*)workspace, gate = up + size, activated = gate + size, dhidden = activated + size;
        byte* scratch = workspace + HiddenBytes(tileRows, mlp.Hidden, 4);
        for (int tile = 0; tile < mlp.Tiles; tile++)
        {
            nint first = mlp.Rows * tile / mlp.Tiles, rows = (mlp.Rows * (tile + 1) / mlp.Tiles) - first, elements = rows * mlp.Hidden;
            float* dy = to.Dy + (first * mlp.Output);
            Hidden(pool, mlp, first, rows, gate, up, scratch);
            if (to.Down != null)
            {
                if (mlp.IsGated) GatedActivationKernel.Forward<TActivation>(pool, gate, up, activated, elements);
                else ActivationKernel.Forward<TActivation>(pool, up, activated, elements);
            }

            Parameter(pool, dy, mlp.Output, activated, mlp.Hidden, rows, to.Down, to.AddsDown || tile > 0, to.DownBias, to.AddsDownBias || tile > 0, scratch);
            if (to.Dx == null && to.Gate == null && to.Up == null && to.GateBias == null && to.UpBias == null) continue;
            Gemm.Multiply(pool, Rows(dy, mlp.Output), mlp.Down, dhidden, mlp.Hidden, rows, mlp.Hidden, mlp.Output, false, scratch);
            if (mlp.IsGated) GatedActivationKernel.Backward<TActivation>(pool, dhidden, gate, up, gate, up, elements);
            else ActivationKernel.Backward<TActivation>(pool, dhidden, up, up, elements);
            float* x = mlp.X + (first * mlp.Width), dx = to.Dx + (first * mlp.Width);
            Parameter(pool, up, mlp.Hidden, x, mlp.Width, rows, to.Up, to.AddsUp || tile > 0, to.UpBias, to.AddsUpBias || tile > 0, scratch);
            if (mlp.IsGated) Parameter(pool, gate, mlp.Hidden, x, mlp.Width, rows, to.Gate, to.AddsGate || tile > 0, to.GateBias, to.AddsGateBias || tile > 0, scratch);
            if (to.Dx == null) continue;
            Gemm.Multiply(pool, Rows(up, mlp.Hidden), mlp.Up, dx, mlp.Width, rows, mlp.Width, mlp.Hidden, false, scratch);
            if (mlp.IsGated) Gemm.Multiply(pool, Rows(gate, mlp.Hidden), mlp.Gate, dx, mlp.Width, rows, mlp.Width, mlp.Hidden, true, scratch);
        }
    }

    /// <summary>Bytes of workspace, forward or backward.</summary>
    public static long WorkspaceBytes(nint rows, nint width, nint hidden, nint output, int tiles, bool isGated, bool isBackward, int threads, int blockElements)
    {
        nint largest = TileRows(rows, tiles);
        long scratch = 0;
        // Tiles differ by a row, and the scratch of a product does not always grow with its rows.
        foreach (nint tile in (ReadOnlySpan<nint>)[largest, rows / tiles])
        {
            Take((tile, hidden, width));
            Take((tile, output, hidden));
            if (!isBackward) continue;
            Take((tile, hidden, output));
            Take((tile, width, hidden));
            Take((output, hidden, tile));
            Take((hidden, width, tile));
            scratch = long.Max(scratch, ReductionKernel.ColumnSumBytes(tile, nint.Max(hidden, output)));
        }

        return HiddenBytes(largest, hidden, isBackward ? 4 : isGated ? 2 : 1) + scratch;

        void Take((nint M, nint N, nint K) product) => scratch = long.Max(scratch, Gemm.WorkspaceBytes(product.M, product.N, product.K, threads, blockElements));
    }

    private static nint TileRows(nint rows, int tiles) => (rows + tiles - 1) / tiles;

    // Aligned, for what follows.
    private static long HiddenBytes(nint rows, nint hidden, int tensors) => ((rows * (long)hidden * tensors * sizeof(float)) + 63) & ~63L;

    private static MatrixOperand Rows(float* data, nint columns) => new(data, DType.F32, columns, transposed: false);

    private static void Hidden(WorkerPool pool, in TiledMlpArguments mlp, nint first, nint rows, float* gate, float* up, byte* scratch)
    {
        MatrixOperand x = Rows(mlp.X + (first * mlp.Width), mlp.Width);
        Gemm.Multiply(pool, x, mlp.Up.Transpose(), up, mlp.Hidden, rows, mlp.Hidden, mlp.Width, false, scratch);
        if (mlp.UpBias != null) ReductionKernel.AddBias(pool, up, mlp.UpBias, up, rows, mlp.Hidden);
        if (!mlp.IsGated) return;
        Gemm.Multiply(pool, x, mlp.Gate.Transpose(), gate, mlp.Hidden, rows, mlp.Hidden, mlp.Width, false, scratch);
        if (mlp.GateBias != null) ReductionKernel.AddBias(pool, gate, mlp.GateBias, gate, rows, mlp.Hidden);
    }

    // The gradients of a matrix [outputs, inputs] and of its bias.
    private static void Parameter(
        WorkerPool pool, float* dy, nint outputs, float* x, nint inputs, nint rows, float* matrix, bool addsMatrix, float* bias, bool addsBias, byte* scratch)
    {
        if (matrix != null) Gemm.Multiply(pool, new MatrixOperand(dy, DType.F32, outputs, transposed: true), Rows(x, inputs), matrix, inputs, outputs, inputs, rows, addsMatrix, scratch);
        if (bias != null) ReductionKernel.ColumnSum(pool, dy, bias, rows, outputs, addsBias, squares: false, scratch);
    }
}
