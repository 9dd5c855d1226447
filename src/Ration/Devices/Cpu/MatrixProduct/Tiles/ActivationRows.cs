namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>
/// Rounds rows of activations for <see cref="TileProduct"/>: groups of rows follow each other, and within a group the blocks of all its
/// rows that lie at the same place.
/// </summary>
internal unsafe struct ActivationRows : IParallelWork
{
    /// <summary>Rows that are multiplied with a tile at a time.</summary>
    public const int Group = 32;

    // A chunk is multiplied with the whole matrix before the next one is rounded, so this bounds the memory.
    private const long LargestChunkBytes = 4 << 20;
    private const int RowsOfItem = 8;

    /// <summary>Rows [m, k] in f32.</summary>
    public float* Values;
    public nint Stride;

    /// <summary>Overwritten: m · k / 32 blocks.</summary>
    public ActivationBlock* Rounded;
    public nint M;

    /// <summary>A multiple of 32.</summary>
    public nint K;

    /// <summary>Items, from m alone.</summary>
    public readonly int Items => checked((int)((M + RowsOfItem - 1) / RowsOfItem));

    /// <summary>Rows that are rounded at a time, whole groups.</summary>
    public static nint Chunk(nint k) => nint.Max(1, (nint)(LargestChunkBytes / Bytes(Group, k))) * Group;

    /// <summary>Bytes of some rows when rounded.</summary>
    public static long Bytes(nint rows, nint k) => (long)rows * (k / ActivationBlock.Elements) * sizeof(ActivationBlock);

    /// <summary>The place of the first block of a group's first row.</summary>
    public static nint Start(nint row, nint k) => row * (k / ActivationBlock.Elements);

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint row = item * (nint)RowsOfItem, end = nint.Min(M, row + RowsOfItem), first = row - (row % Group), together = nint.Min(Group, M - first);
        ActivationBlock* blocks = Rounded + Start(first, K) - first;
        for (nint depth = 0; depth < K; depth += ActivationBlock.Elements, blocks += together)
        {
            // Blocks that lie side by side one after the other.
            for (nint r = row; r < end; r++) ActivationBlock.Quantize(Values + (r * Stride) + depth, blocks + r);
        }
    }
}
