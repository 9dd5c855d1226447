using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>
/// A factor of a matrix product, logically [rows, columns]. It is stored row-major with <paramref name="rowStride"/> elements
/// between stored rows; when <paramref name="transposed"/>, what is stored is [columns, rows].
/// </summary>
/// <param name="data">The first stored element; any alignment.</param>
/// <param name="type">F32, BF16 or F16; the product itself is always computed in f32.</param>
/// <param name="rowStride">Elements from one stored row to the next.</param>
/// <param name="transposed">Whether the stored matrix is the transpose of the logical one.</param>
internal readonly unsafe struct MatrixOperand(void* data, DType type, nint rowStride, bool transposed)
{
    /// <summary>The first stored element.</summary>
    public readonly byte* Data = (byte*)data;

    /// <summary>How an element is stored.</summary>
    public readonly DType Type = type;

    /// <summary>Elements from one stored row to the next.</summary>
    public readonly nint RowStride = rowStride;

    /// <summary>Whether the stored matrix is the transpose of the logical one.</summary>
    public readonly bool Transposed = transposed;
}
