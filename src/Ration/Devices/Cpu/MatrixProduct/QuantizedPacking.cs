using System.Runtime.CompilerServices;
using Ration.Devices.Cpu.MatrixProduct.Tiles;
using Ration.Graphs;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>Packs parts of matrices stored in quantized blocks: as <see cref="PanelPacking"/>, after expanding no more than a panel.</summary>
internal static unsafe class QuantizedPacking
{
    // A panel of the greatest width over the greatest depth.
    private const int ScratchFloats = 32 * 256;

    /// <summary>Packs <paramref name="count"/> rows of a matrix whose depth runs along stored rows, or columns of one where it runs across.</summary>
    /// <param name="matrix">The factor.</param>
    /// <param name="depthIsContiguous">Whether depth runs along stored rows.</param>
    /// <param name="first">First row of A or column of B.</param>
    /// <param name="count">Rows of A or columns of B.</param>
    /// <param name="depthStart">First element of depth; where depth runs along stored rows, at a block's border.</param>
    /// <param name="depth">Depth, at most 256.</param>
    /// <param name="width">Width of a panel, at most 32.</param>
    /// <param name="packed">ceil(count / width) panels, overwritten.</param>
    public static void Pack(in MatrixOperand matrix, bool depthIsContiguous, nint first, nint count, nint depthStart, nint depth, int width, float* packed)
    {
        for (nint done = 0; done < count; done += width, packed += depth * width)
        {
            nint filled = nint.Min(width, count - done);
            if (!depthIsContiguous) PackAcross(matrix, first + done, filled, depthStart, depth, width, packed);
            else if (matrix.Layout == StorageLayout.Tiles) PackTiles(matrix, first + done, filled, depthStart, depth, width, packed);
            else PackRows(matrix, first + done, filled, depthStart, depth, width, packed);
        }
    }

    [SkipLocalsInit]
    private static void PackRows(in MatrixOperand matrix, nint row, nint filled, nint depthStart, nint depth, int width, float* packed)
    {
        float* rows = stackalloc float[ScratchFloats];
        for (nint i = 0; i < filled; i++) StoredBlocks.Read(matrix, row + i, depthStart, depth, rows + (i * depth));
        PanelPacking.Pack((byte*)rows, DType.F32, depth, depthIsContiguous: true, filled, depth, width, packed);
    }

    // Tiles lie as panels do, so whole ones need no turning; the rows after the last whole tile are stored as rows.
    private static void PackTiles(in MatrixOperand matrix, nint row, nint filled, nint depthStart, nint depth, int width, float* packed)
    {
        nint done = 0;
        if (width % TiledRows.Rows == 0)
        {
            for (; done + TiledRows.Rows <= filled && InTile(matrix, row + done); done += TiledRows.Rows)
                TileFormats.Expand(matrix.Type, matrix.Data + ((row + done) * matrix.RowBytes), depthStart, depth, packed + done, width);
        }

        for (; done < filled; done++) PackRow(matrix, row + done, depthStart, depth, packed + done, width);
    }

    private static bool InTile(in MatrixOperand matrix, nint row) => row < matrix.TiledRows;

    [SkipLocalsInit]
    private static void PackRow(in MatrixOperand matrix, nint row, nint depthStart, nint depth, float* packed, int width)
    {
        float* values = stackalloc float[256];
        StoredBlocks.Read(matrix, row, depthStart, depth, values);
        for (nint d = 0; d < depth; d++) packed[d * width] = values[d];
    }

    [SkipLocalsInit]
    private static void PackAcross(in MatrixOperand matrix, nint column, nint filled, nint depthStart, nint depth, int width, float* packed)
    {
        int block = matrix.Type.BlockElements();
        float* values = stackalloc float[2 * 256 + 32];
        nint start = column - (column % block), end = (column + filled + block - 1) / block * block;
        for (nint d = 0; d < depth; d++, packed += width)
        {
            StoredBlocks.Read(matrix, depthStart + d, start, end - start, values);
            Unsafe.CopyBlockUnaligned(packed, values + (column - start), (uint)(filled * sizeof(float)));
            for (nint i = filled; i < width; i++) packed[i] = 0;
        }
    }
}
