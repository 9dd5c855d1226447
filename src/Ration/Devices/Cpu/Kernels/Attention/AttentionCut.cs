using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>How the forward pass is cut into items; depends on the sizes alone.</summary>
internal readonly unsafe struct AttentionCut
{
    /// <summary>Keys of a tile: a multiple of every panel height.</summary>
    public const int KeysOfTile = 240;

    // Query panels that share a packed tile of keys: enough to make packing cheap, few enough to stay in the second-level cache.
    private const nint PanelsOfItem = 6;

    /// <summary>The cut for these sizes.</summary>
    public AttentionCut(in AttentionShape shape)
    {
        Width = GemmBlock.PanelColumns;
        Heads = shape.Group;
        while (Heads > PanelsOfItem || shape.Group % Heads != 0) Heads--;
        nint panels = (shape.Queries + Width - 1) / Width;
        PanelsOfTile = nint.Clamp(panels, 1, nint.Max(1, PanelsOfItem / Heads) * nint.Max(1, 32 / Width));
        Queries = PanelsOfTile * Width;
        Tiles = (shape.Queries + Queries - 1) / Queries;
        HeadDimension = shape.HeadDimension;
        ReadsBlocks = shape.KeyType.IsQuantized();
        Items = checked((int)(shape.Rows * (shape.Heads / Heads) * Tiles));
        ScratchFloats = new AttentionScratch(null, this).Floats;
    }

    /// <summary>Queries of a panel.</summary>
    public nint Width { get; }

    /// <summary>Heads of an item.</summary>
    public nint Heads { get; }

    /// <summary>Query panels of a head in an item.</summary>
    public nint PanelsOfTile { get; }

    /// <summary>Queries of an item.</summary>
    public nint Queries { get; }

    /// <summary>Query tiles of a row.</summary>
    public nint Tiles { get; }

    /// <summary>Channels of a head.</summary>
    public nint HeadDimension { get; }

    /// <summary>Whether a tile of keys is widened before it is packed.</summary>
    public bool ReadsBlocks { get; }

    /// <summary>How many items there are.</summary>
    public int Items { get; }

    /// <summary>Scratch of a worker.</summary>
    public nint ScratchFloats { get; }
}

/// <summary>A worker's scratch in the forward pass.</summary>
internal readonly unsafe struct AttentionScratch
{
    private readonly float* _ranges;
    private readonly nint _width;

    /// <summary>Lays the parts out from <paramref name="start"/> on.</summary>
    public AttentionScratch(float* start, in AttentionCut cut)
    {
        nint slots = cut.Heads * cut.PanelsOfTile, lanes = slots * cut.Width, d = cut.HeadDimension;
        float* at = start;
        _width = cut.Width;
        K = AttentionTile.Take(ref at, GemmBlock.PackedABytes(AttentionCut.KeysOfTile, d) / sizeof(float));
        V = AttentionTile.Take(ref at, GemmBlock.PackedABytes(d, AttentionCut.KeysOfTile) / sizeof(float));
        Q = AttentionTile.Take(ref at, lanes * d);
        Output = AttentionTile.Take(ref at, lanes * d);
        Scores = AttentionTile.Take(ref at, AttentionCut.KeysOfTile * cut.Width);
        Maximum = AttentionTile.Take(ref at, lanes);
        Sum = AttentionTile.Take(ref at, lanes);
        _ranges = AttentionTile.Take(ref at, 2 * lanes);
        Seen = (nint*)AttentionTile.Take(ref at, 4 * slots);
        Started = (int*)AttentionTile.Take(ref at, slots);
        Widened = AttentionTile.Take(ref at, cut.ReadsBlocks ? AttentionCut.KeysOfTile * d : 0);
        Floats = (nint)(at - start);
    }

    /// <summary>Packed keys of the tile.</summary>
    public float* K { get; }

    /// <summary>Packed values of the tile, transposed.</summary>
    public float* V { get; }

    /// <summary>Packed queries, a panel for each slot.</summary>
    public float* Q { get; }

    /// <summary>[slots, channels, width].</summary>
    public float* Output { get; }

    /// <summary>[keys of a tile, width].</summary>
    public float* Scores { get; }

    /// <summary>[slots, width].</summary>
    public float* Maximum { get; }

    /// <summary>[slots, width].</summary>
    public float* Sum { get; }

    /// <summary>[panels, 2]: the first and last key that any query of the panel sees.</summary>
    public nint* Seen { get; }

    /// <summary>[slots]: whether the output holds anything.</summary>
    public int* Started { get; }

    /// <summary>[keys of a tile, d]: keys or values of a tile before packing, where they are stored in blocks.</summary>
    public float* Widened { get; }

    /// <summary>Floats of all parts.</summary>
    public nint Floats { get; }

    /// <summary>The key ranges of a panel's queries.</summary>
    public LaneRanges Ranges(nint panel) => new() { First = _ranges + (2 * panel * _width), Last = _ranges + (((2 * panel) + 1) * _width) };
}
