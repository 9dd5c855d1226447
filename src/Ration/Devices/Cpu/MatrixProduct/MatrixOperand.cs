using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>
/// A factor of a matrix product, logically [rows, columns]. It is stored row-major with <paramref name="rowStride"/> elements
/// between stored rows; when <paramref name="transposed"/>, what is stored is [columns, rows].
/// </summary>
/// <param name="data">The first stored element; any alignment.</param>
/// <param name="type">Any floating-point type; the product itself is computed in f32, but in integers where tiles are multiplied by rounded activations.</param>
/// <param name="rowStride">Elements from one stored row to the next.</param>
/// <param name="transposed">Whether the stored matrix is the transpose of the logical one.</param>
/// <param name="layout">In which order stored rows lie; tiles are for transposed factors on the right.</param>
/// <param name="storedRows">Stored rows; needed for tiles, because the last rows lie in none, and for planar types.</param>
internal readonly unsafe struct MatrixOperand(void* data, DType type, nint rowStride, bool transposed, StorageLayout layout = StorageLayout.Rows, nint storedRows = 0)
{
    /// <summary>The first stored element.</summary>
    public readonly byte* Data = (byte*)data;

    /// <summary>How an element is stored.</summary>
    public readonly DType Type = type;

    /// <summary>Elements from one stored row to the next.</summary>
    public readonly nint RowStride = rowStride;

    /// <summary>Whether the stored matrix is the transpose of the logical one.</summary>
    public readonly bool Transposed = transposed;

    /// <summary>In which order stored rows lie.</summary>
    public readonly StorageLayout Layout = layout;

    /// <summary>How many rows are stored, where the layout or the type asks for it.</summary>
    public readonly nint StoredRows = storedRows;

    /// <summary>Stored rows that lie in tiles.</summary>
    public nint TiledRows => StoredRows - (StoredRows % Tensors.Formats.TiledRows.Rows);

    /// <summary>The same stored matrix, read the other way round.</summary>
    public MatrixOperand Transpose() => new(Data, Type, RowStride, !Transposed, Layout, StoredRows);

    /// <summary>Where a stored element lies; in blocks, one that begins a block.</summary>
    public byte* At(nint storedRow, nint storedColumn) => Data + (storedRow * RowBytes) + (nint)Type.Bytes((long)storedColumn);

    /// <summary>Bytes from one stored row to the next.</summary>
    public nint RowBytes => (nint)Type.Bytes((long)RowStride);
}
