namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>
/// One product as a single run of items, so that no worker waits at the end of a block: the pieces of the next block are packed in
/// the middle of the tiles of the present one, and an item waits only for what it needs, which in practice was done long before.
/// Items are handed out in ascending order and depend only on lower ones, so whatever an item waits for is running.
/// Each element of C is summed in the order of depth: a tile's turn comes when its previous step is done.
/// </summary>
internal unsafe struct GemmWork : IParallelWork
{
    /// <summary>Bytes from one progress counter to the next: a cache line each.</summary>
    public const int CounterBytes = 64;

    public GemmPlan Plan;
    public MatrixOperand A;
    public MatrixOperand B;
    public float* C;
    public nint CStride;
    public nint M;
    public nint N;
    public nint K;
    public bool Accumulate;

    /// <summary>Two counters of packed pieces (even and odd steps), then for each tile the steps it has been through; zeroed.</summary>
    public byte* Progress;

    /// <summary>Packed blocks of A, <see cref="GemmPlan.BuffersOfA"/>.</summary>
    public float* PackedA;

    /// <summary>Packed blocks of B, <see cref="GemmPlan.BuffersOfB"/>.</summary>
    public float* PackedB;

    private readonly int Pieces => Plan.PiecesOfA + Plan.PiecesOfB;

    /// <summary>Bytes of the progress counters of a plan.</summary>
    public static nint ProgressBytes(in GemmPlan plan) => (2 + plan.Tiles) * (nint)CounterBytes;

    /// <summary>Items of the whole product.</summary>
    public readonly int Items => checked((int)(Pieces + (Plan.Steps * (Plan.Tiles + Pieces))));

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        if (item < Pieces)
        {
            Pack(0, item);
            return;
        }

        (nint step, nint rest) = Math.DivRem(item - Pieces, Plan.Tiles + Pieces);
        int before = Plan.Tiles / 2;
        if (rest < before) Compute(step, (int)rest);
        else if (rest >= before + Pieces) Compute(step, (int)rest - Pieces);
        else if (step + 1 < Plan.Steps) Pack(step + 1, (int)rest - before);
    }

    private static void Await(byte* counter, nint target)
    {
        SpinWait spin = default;
        while (Volatile.Read(ref *(int*)counter) < target) spin.SpinOnce(sleep1Threshold: -1);
    }

    private readonly byte* PackedCounter(nint step) => Progress + ((step & 1) * CounterBytes);

    private readonly byte* TileCounter(int tile) => Progress + ((2 + tile) * (nint)CounterBytes);

    private readonly float* BlockOfA(nint step) => PackedA + ((step & 1) * Plan.BlockOfAFloats);

    // A block of B serves all row steps of its column and depth.
    private readonly float* BlockOfB(nint step) => PackedB + ((step / Plan.RowSteps & 1) * Plan.BlockOfBFloats);

    private readonly void Pack(nint step, int piece)
    {
        if (step >= 2)
            for (int tile = 0; tile < Plan.Tiles; tile++) Await(TileCounter(tile), step - 1);
        (nint generation, nint rowStep) = Math.DivRem(step, Plan.RowSteps);
        (nint columnStep, nint depthStep) = Math.DivRem(generation, Plan.DepthSteps);
        nint depthStart = depthStep * Plan.DepthBlock, depth = nint.Min(Plan.DepthBlock, K - depthStart);
        if (piece < Plan.PiecesOfA)
        {
            nint first = piece * Plan.PieceRows, row = (rowStep * Plan.RowBlock) + first;
            nint rows = nint.Min(nint.Min(Plan.PieceRows, Plan.RowBlock - first), M - row);
            if (rows > 0) GemmBlock.PackA(A, row, rows, depthStart, depth, BlockOfA(step) + (first * depth));
        }
        else if (rowStep == 0)
        {
            nint first = (piece - Plan.PiecesOfA) * Plan.PieceColumns, column = (columnStep * Plan.ColumnBlock) + first;
            nint columns = nint.Min(nint.Min(Plan.PieceColumns, Plan.ColumnBlock - first), N - column);
            if (columns > 0) GemmBlock.PackB(B, depthStart, depth, column, columns, BlockOfB(step) + (first * depth));
        }

        Interlocked.Increment(ref *(int*)PackedCounter(step));
    }

    private readonly void Compute(nint step, int tile)
    {
        (nint generation, nint rowStep) = Math.DivRem(step, Plan.RowSteps);
        (nint columnStep, nint depthStep) = Math.DivRem(generation, Plan.DepthSteps);
        nint depthStart = depthStep * Plan.DepthBlock, depth = nint.Min(Plan.DepthBlock, K - depthStart);
        nint firstRow = tile % Plan.RowTiles * Plan.TileRows, row = (rowStep * Plan.RowBlock) + firstRow;
        nint firstColumn = tile / Plan.RowTiles * Plan.TileColumns, column = (columnStep * Plan.ColumnBlock) + firstColumn;
        nint rows = nint.Min(nint.Min(Plan.TileRows, Plan.RowBlock - firstRow), M - row);
        nint columns = nint.Min(nint.Min(Plan.TileColumns, Plan.ColumnBlock - firstColumn), N - column);
        Await(PackedCounter(step), (step / 2 + 1) * Pieces);
        Await(TileCounter(tile), step);
        if (rows > 0 && columns > 0)
        {
            GemmBlock.Multiply(BlockOfA(step) + (firstRow * depth), BlockOfB(step) + (firstColumn * depth),
                C + (row * CStride) + column, CStride, rows, columns, depth, Accumulate || depthStep > 0);
        }

        Volatile.Write(ref *(int*)TileCounter(tile), (int)step + 1);
    }
}
