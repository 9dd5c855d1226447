using Ration.Devices.Cpu.MatrixProduct;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// How tokens × classes are cut into blocks of logits, and where these and what goes with them lie in the scratch. It depends on sizes
/// alone, so that results do not depend on the number of workers.
/// </summary>
internal readonly unsafe struct LossBlocks
{
    /// <summary>Tokens of a tile that is skipped as one.</summary>
    public const nint FilterTokens = 128;

    /// <summary>Classes of a tile that is skipped as one, and of a slice of the head's gradient that is gathered.</summary>
    public const nint Slice = 256;

    private const nint TokenBlock = 2048;

    // Of a block at the most: 4 MiB.
    private const nint BlockFloats = 1 << 20;

    private readonly nint _tokens;
    private readonly nint _classes;
    private readonly nint _width;
    private readonly bool _gathers;
    private readonly bool _sorts;
    private readonly DType _head;

    /// <summary>Cuts.</summary>
    /// <param name="tokens">Rows of hidden states.</param>
    /// <param name="classes">Rows of the head that take part, at the most.</param>
    /// <param name="width">Columns of both.</param>
    /// <param name="head">Storage of the head.</param>
    /// <param name="chunkTokens">Tokens of a block of all classes; 0 for blocks that fit the last-level cache.</param>
    /// <param name="gathers">Whether rows of the head are chosen by a list.</param>
    /// <param name="sorts">Whether that list is an order of the whole vocabulary.</param>
    public LossBlocks(nint tokens, nint classes, nint width, DType head, nint chunkTokens = 0, bool gathers = false, bool sorts = false)
    {
        (_tokens, _classes, _width, _gathers, _sorts) = (tokens, classes, width, gathers, sorts);
        _head = gathers ? DType.F32 : head;
        Rows = nint.Min(tokens, chunkTokens > 0 ? chunkTokens : TokenBlock);
        Columns = chunkTokens > 0 ? classes : ColumnsFor(Rows, classes);
    }

    /// <summary>Tokens of a block; the last may have fewer.</summary>
    public nint Rows { get; }

    /// <summary>Classes of a block; the last may have fewer.</summary>
    public nint Columns { get; }

    /// <summary>Offset of the rows' states.</summary>
    public nint States => Aligned(Rows * Columns * sizeof(float));

    /// <summary>Offset of the targets' columns [tokens].</summary>
    public nint Targets => States + Aligned(Rows * RowState.Floats * sizeof(float));

    /// <summary>Offset of the order of the vocabulary.</summary>
    public nint Order => Targets + (_gathers ? Aligned(_tokens * sizeof(int)) : 0);

    /// <summary>Offset of the rows of the head that a block gathers [columns, width].</summary>
    public nint Gathered => Order + (_sorts ? Aligned(_classes * sizeof(ulong)) : 0);

    /// <summary>Offset of a slice of the gradient of such rows [slice, width].</summary>
    public nint GatheredGradient => Gathered + (_gathers ? Aligned(Columns * _width * sizeof(float)) : 0);

    /// <summary>Offset of the scratch of products.</summary>
    public nint Products => GatheredGradient + (_gathers ? Aligned(Slice * _width * sizeof(float)) : 0);

    /// <summary>Bytes of all scratch.</summary>
    public long Bytes(int threads)
    {
        nint lastRows = Rows == 0 ? 0 : _tokens % Rows, lastColumns = Columns == 0 ? 0 : _classes % Columns;
        nint[] slices = [nint.Min(Columns, Slice), Columns % Slice, lastColumns % Slice];
        long products = LargestProductBytes([Rows, lastRows], [Columns, lastColumns, .. slices], threads);
        // Any number of tiles below each other may be multiplied as one.
        for (nint rows = 0; rows < Rows; rows += FilterTokens)
        {
            nint[] tiles = [rows + FilterTokens, rows + (Rows % FilterTokens), rows + (lastRows % FilterTokens)];
            products = Math.Max(products, LargestProductBytes(tiles, slices, threads));
        }

        return Products + products;
    }

    private static nint ColumnsFor(nint rows, nint classes)
    {
        nint columns = BlockFloats / nint.Max(1, rows) / Slice * Slice;
        return nint.Min(classes, nint.Clamp(columns, Slice, 8 * Slice));
    }

    // Of the three products of every block that occurs, the last ones included: a smaller product can need more scratch than a larger one.
    private long LargestProductBytes(ReadOnlySpan<nint> rows, ReadOnlySpan<nint> columns, int threads)
    {
        int block = Gemm.BlockElements(DType.F32, _head);
        long largest = 0;
        foreach (nint r in rows)
        {
            foreach (nint c in columns)
            {
                largest = Math.Max(largest, Gemm.WorkspaceBytes(r, c, _width, threads, block));
                largest = Math.Max(largest, Math.Max(Gemm.WorkspaceBytes(c, _width, r, threads), Gemm.WorkspaceBytes(r, _width, c, threads, block)));
            }
        }

        return largest;
    }

    private static nint Aligned(nint bytes) => (nint)ByteSize.AlignUp(bytes, 64);
}
