namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>
/// How a product [m, k]·[k, n] is cut. A <i>step</i> multiplies one block of A [RowBlock, DepthBlock] by one block of B
/// [DepthBlock, ColumnBlock]; steps run over columns, within them over depth, within them over rows. Each step is a fixed grid of
/// tiles, and each block is packed in a fixed number of pieces. Everything follows from m, n and k alone.
/// </summary>
internal readonly struct GemmPlan
{
    // A panel of B (32 KiB at this depth) fits the first-level cache, a tile's rows of A (264 KiB) half of a second-level one, and
    // both packed blocks, held twice, make 5 MiB. Doubling or halving any of them changed the speed by less than 2 %.
    private const int LargestDepthBlock = 256, LargestRowBlock = 528, LargestColumnBlock = 2048;
    private const int DepthGrain = 16;
    private const int TilePanelsOfA = 22, TilePanelsOfB = 4, PiecePanels = 8;

    /// <summary>Cuts a product.</summary>
    /// <param name="m">Rows of A.</param>
    /// <param name="n">Columns of B.</param>
    /// <param name="k">Depth.</param>
    /// <param name="blockElements">Elements that a factor stores together: blocks of depth are whole ones.</param>
    public GemmPlan(nint m, nint n, nint k, int blockElements = 1)
    {
        int panelRows = GemmBlock.PanelRows, panelColumns = GemmBlock.PanelColumns;
        DepthBlock = Even(k, LargestDepthBlock, int.Max(DepthGrain, blockElements));
        RowBlock = Even(m, LargestRowBlock, panelRows);
        ColumnBlock = Even(n, LargestColumnBlock, panelColumns);
        DepthSteps = Pieces(k, DepthBlock);
        RowSteps = Pieces(m, RowBlock);
        ColumnSteps = Pieces(n, ColumnBlock);
        TileRows = Even(RowBlock, TilePanelsOfA * panelRows, panelRows);
        TileColumns = Even(ColumnBlock, TilePanelsOfB * panelColumns, panelColumns);
        RowTiles = (int)Pieces(RowBlock, TileRows);
        Tiles = RowTiles * (int)Pieces(ColumnBlock, TileColumns);
        PieceRows = PiecePanels * panelRows;
        PieceColumns = PiecePanels * panelColumns;
        PiecesOfA = (int)Pieces(RowBlock, PieceRows);
        PiecesOfB = (int)Pieces(ColumnBlock, PieceColumns);
    }

    /// <summary>Depth of a block; each sum is made of one partial sum for each.</summary>
    public nint DepthBlock { get; }

    /// <summary>Rows in a block of A, whole panels.</summary>
    public nint RowBlock { get; }

    /// <summary>Columns in a block of B, whole panels.</summary>
    public nint ColumnBlock { get; }

    public nint DepthSteps { get; }

    public nint RowSteps { get; }

    public nint ColumnSteps { get; }

    /// <summary>Rows in a tile, whole panels.</summary>
    public nint TileRows { get; }

    /// <summary>Columns in a tile, whole panels.</summary>
    public nint TileColumns { get; }

    /// <summary>Tiles of a step that lie under each other.</summary>
    public int RowTiles { get; }

    /// <summary>Tiles of a step.</summary>
    public int Tiles { get; }

    /// <summary>Rows of A packed in one piece.</summary>
    public nint PieceRows { get; }

    /// <summary>Columns of B packed in one piece.</summary>
    public nint PieceColumns { get; }

    public int PiecesOfA { get; }

    public int PiecesOfB { get; }

    /// <summary>Steps of the whole product.</summary>
    public nint Steps => ColumnSteps * DepthSteps * RowSteps;

    /// <summary>Floats of one packed block of A.</summary>
    public nint BlockOfAFloats => RowBlock * DepthBlock;

    /// <summary>Floats of one packed block of B.</summary>
    public nint BlockOfBFloats => ColumnBlock * DepthBlock;

    /// <summary>Packed blocks of A held at once: the one in use and the next.</summary>
    public int BuffersOfA => Steps > 1 ? 2 : 1;

    /// <summary>Packed blocks of B held at once.</summary>
    public int BuffersOfB => ColumnSteps * DepthSteps > 1 ? 2 : 1;

    private static nint Pieces(nint count, nint size) => (count + size - 1) / size;

    // The fewest blocks no larger than the largest, of nearly equal size, rounded up to the grain.
    private static nint Even(nint count, nint largest, nint grain)
    {
        nint blocks = Pieces(count, largest);
        return Pieces(Pieces(count, blocks), grain) * grain;
    }
}
