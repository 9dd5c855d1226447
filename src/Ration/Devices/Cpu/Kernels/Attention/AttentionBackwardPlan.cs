using Ration.Devices.Cpu.MatrixProduct;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// How the backward pass is cut, and where its workspace holds what; depends on the sizes alone but for the number of scratches.
/// </summary>
internal readonly unsafe struct AttentionBackwardPlan
{
    /// <summary>Queries of a block: a multiple of every panel's width and height.</summary>
    public const int QueriesOfBlock = 96;

    /// <summary>Keys of a tile: a multiple of every panel height.</summary>
    public const int KeysOfTile = 240;

    private readonly float* _scratch;
    private readonly nint _headDimension;

    /// <summary>Lays the shared parts out from <paramref name="workspace"/> on.</summary>
    public AttentionBackwardPlan(in AttentionShape shape, byte* workspace)
    {
        _headDimension = shape.HeadDimension;
        Blocks = (shape.Queries + QueriesOfBlock - 1) / QueriesOfBlock;
        Tiles = (shape.Keys + KeysOfTile - 1) / KeysOfTile;
        float* at = (float*)workspace;
        Delta = AttentionTile.Take(ref at, shape.Rows * shape.Heads * shape.Queries);
        Seen = (int*)AttentionTile.Take(ref at, shape.Rows * Blocks * 2);
        Done = (int*)AttentionTile.Take(ref at, shape.Rows * shape.Heads * Blocks);
        _scratch = at;
        SharedBytes = (byte*)at - workspace;
        ScratchFloats = new AttentionBackwardScratch(null, _headDimension).Floats;
    }

    /// <summary>Query blocks of a row.</summary>
    public nint Blocks { get; }

    /// <summary>Key tiles of a row.</summary>
    public nint Tiles { get; }

    /// <summary>[rows, heads, queries]: Σ over channels of output·its gradient.</summary>
    public float* Delta { get; }

    /// <summary>[rows, blocks, 2]: the first and last key that any query of the block sees.</summary>
    public int* Seen { get; }

    /// <summary>[rows, heads, blocks]: key tiles whose part of dq has been added.</summary>
    public int* Done { get; }

    /// <summary>Bytes of the parts above.</summary>
    public long SharedBytes { get; }

    /// <summary>Floats of a worker's scratch.</summary>
    public nint ScratchFloats { get; }

    /// <summary>A worker's scratch.</summary>
    public AttentionBackwardScratch Scratch(int worker) => new(_scratch + (worker * ScratchFloats), _headDimension);
}

/// <summary>A worker's scratch in the backward pass.</summary>
internal readonly unsafe struct AttentionBackwardScratch
{
    private const nint Keys = AttentionBackwardPlan.KeysOfTile, Queries = AttentionBackwardPlan.QueriesOfBlock;

    /// <summary>Lays the parts out from <paramref name="start"/> on.</summary>
    public AttentionBackwardScratch(float* start, nint d)
    {
        float* at = start;
        KeyRows = AttentionTile.Take(ref at, GemmBlock.PackedABytes(Keys, d) / sizeof(float));
        ValueRows = AttentionTile.Take(ref at, GemmBlock.PackedABytes(Keys, d) / sizeof(float));
        KeyColumns = AttentionTile.Take(ref at, GemmBlock.PackedBBytes(Keys, d) / sizeof(float));
        QueryColumns = AttentionTile.Take(ref at, Queries * d);
        DOutputColumns = AttentionTile.Take(ref at, Queries * d);
        Right = AttentionTile.Take(ref at, GemmBlock.PackedBBytes(Queries, d) / sizeof(float));
        Left = AttentionTile.Take(ref at, Keys * Queries);
        P = AttentionTile.Take(ref at, Keys * Queries);
        Ds = AttentionTile.Take(ref at, Keys * Queries);
        Ranges = new LaneRanges { First = AttentionTile.Take(ref at, Queries), Last = AttentionTile.Take(ref at, Queries) };
        LogSumExp = AttentionTile.Take(ref at, Queries);
        Delta = AttentionTile.Take(ref at, Queries);
        Floats = (nint)(at - start);
    }

    /// <summary>Keys of the tile, the left factor of kᵀq.</summary>
    public float* KeyRows { get; }

    /// <summary>Values of the tile, likewise.</summary>
    public float* ValueRows { get; }

    /// <summary>Keys of the tile, the right factor of dq.</summary>
    public float* KeyColumns { get; }

    /// <summary>Queries of the block, transposed right factor.</summary>
    public float* QueryColumns { get; }

    /// <summary>The output's gradient in the block, likewise.</summary>
    public float* DOutputColumns { get; }

    /// <summary>Whichever right factor is in use: queries or the output's gradient, not transposed.</summary>
    public float* Right { get; }

    /// <summary>Whichever left factor is in use: p or ds.</summary>
    public float* Left { get; }

    /// <summary>[keys, queries]: scores, then probabilities.</summary>
    public float* P { get; }

    /// <summary>[keys, queries]: gradients of probabilities, then of scores.</summary>
    public float* Ds { get; }

    /// <summary>Key ranges of the block's queries.</summary>
    public LaneRanges Ranges { get; }

    /// <summary>[queries] of the block.</summary>
    public float* LogSumExp { get; }

    /// <summary>[queries] of the block.</summary>
    public float* Delta { get; }

    /// <summary>Floats of all parts.</summary>
    public nint Floats { get; }
}
