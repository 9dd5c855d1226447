using System.Runtime.CompilerServices;
using Ration.Graphs;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>Reads parts of rows out of matrices that are stored in quantized blocks, in whichever order their rows lie.</summary>
internal static unsafe class StoredBlocks
{
    private const int LargestBlockBytes = 256;

    /// <summary>Elements <paramref name="start"/> … of a row as f32.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="row">The stored row.</param>
    /// <param name="start">First element, at a block's border.</param>
    /// <param name="count">Elements, up to a block's border.</param>
    /// <param name="values">Overwritten.</param>
    [SkipLocalsInit]
    public static void Read(in MatrixOperand matrix, nint row, nint start, nint count, float* values)
    {
        if (matrix.Layout == StorageLayout.Rows || row >= matrix.TiledRows)
        {
            TensorCodec.DecodeAt(matrix.Type, matrix.Data, matrix.StoredRows * matrix.RowStride, (row * matrix.RowStride) + start, values, count);
            return;
        }

        int elements = matrix.Type.BlockElements(), bytes = matrix.Type.BlockBytes();
        byte* stored = stackalloc byte[LargestBlockBytes];
        byte* block = matrix.Data + ((row - (row % TiledRows.Rows)) * matrix.RowBytes) + (start / elements * bytes * TiledRows.Rows);
        for (; count > 0; count -= elements, values += elements, block += bytes * TiledRows.Rows)
        {
            TiledRows.Extract(matrix.Type, new ReadOnlySpan<byte>(block, bytes * TiledRows.Rows), (int)(row % TiledRows.Rows), new Span<byte>(stored, bytes));
            TensorCodec.Decode(matrix.Type, stored, values, elements);
        }
    }
}
