using System.Buffers;
using Ration.Execution;
using Ration.Graphs;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Files.Weights;

/// <summary>Moves parameters into the memory of an executor in pieces of whole rows, changing how they are stored where that differs.</summary>
internal static class WeightLoader
{
    /// <summary>Numbers held at a time, unless a single row has more.</summary>
    public const int PieceElements = 256 << 10;

    /// <summary>Fills a value with the parameter of its name.</summary>
    public static void Load(WeightSource source, Value value, Executor executor)
    {
        long columns = WeightMap.ColumnsOf(value.Shape), rows = WeightMap.RowsOf(value.Shape);
        long most = Math.Clamp(PieceElements / Math.Max(1, columns) / TiledRows.Rows * TiledRows.Rows, TiledRows.Rows, Math.Max(TiledRows.Rows, rows));
        int pieceNumbers = checked((int)(Math.Min(most, rows) * columns));
        byte[] bytes = ArrayPool<byte>.Shared.Rent(checked((int)value.DType.Bytes(pieceNumbers)));
        float[]? numbers = null;
        for (long row = 0; row < rows; row += most)
        {
            int count = (int)(Math.Min(most, rows - row) * columns);
            Span<byte> piece = bytes.AsSpan(0, (int)value.DType.Bytes(count));
            if (!source.TryCopy(value.Name, value.Shape, row, value.DType, piece))
            {
                numbers ??= ArrayPool<float>.Shared.Rent(pieceNumbers);
                source.Read(value.Name, value.Shape, row, numbers.AsSpan(0, count));
                TensorCodec.Encode(value.DType, numbers.AsSpan(0, count), piece);
            }

            WriteRows(executor, value, row, piece);
        }

        if (numbers is not null) ArrayPool<float>.Shared.Return(numbers);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    // Rows come in order, in multiples of a tile's but for the last ones, which stay rows where they fill no tile.
    private static void WriteRows(Executor executor, Value value, long firstRow, Span<byte> bytes)
    {
        long columns = WeightMap.ColumnsOf(value.Shape);
        if (value.Layout == StorageLayout.Tiles)
        {
            int tile = (int)value.DType.Bytes(TiledRows.Rows * columns);
            byte[] rows = ArrayPool<byte>.Shared.Rent(tile);
            for (int start = 0; start + tile <= bytes.Length; start += tile)
            {
                bytes.Slice(start, tile).CopyTo(rows);
                TiledRows.Arrange(value.DType, rows.AsSpan(0, tile), bytes.Slice(start, tile));
            }

            ArrayPool<byte>.Shared.Return(rows);
        }

        executor.WritePersistent(value, value.DType.Bytes(firstRow * columns), bytes);
    }
}
