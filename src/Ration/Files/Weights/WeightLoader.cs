using System.Buffers;
using Ration.Graphs;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Files.Weights;

/// <summary>Takes bytes of a weight, as it is stored and laid, from byte <paramref name="start"/> on.</summary>
internal delegate void WeightWriter(Value weight, long start, ReadOnlySpan<byte> bytes);

/// <summary>Moves parameters into memory in pieces of whole rows, changing how they are stored where that differs.</summary>
internal static class WeightLoader
{
    /// <summary>Numbers held at a time, unless a single row has more.</summary>
    public const int PieceElements = 256 << 10;

    // Below this, threads would cost more memory than they save time.
    private const long WorthThreads = 64 << 20;

    /// <summary>Threads that read at once: each holds a piece twice, as it is stored and as numbers.</summary>
    public const int MostThreads = 4;

    /// <summary>Fills values with the parameters of their names.</summary>
    /// <param name="source">The parameters.</param>
    /// <param name="values">What to fill.</param>
    /// <param name="write">Takes bytes of a value from a byte on; may be called by several threads.</param>
    /// <param name="threads">Cores to use.</param>
    /// <param name="worthThreads">Bytes from which on it is worth using them.</param>
    public static void Load(WeightSource source, IReadOnlyList<Value> values, WeightWriter write, int threads, long worthThreads = WorthThreads)
    {
        foreach (Value value in values.Where(static v => v.DType.IsPlanar())) throw new InvalidInputException(
            $"{value.Name} cannot be loaded into {value.DType}, whose scales belong to the whole tensor; choose another format for the weights");
        (Value Value, long Row)[] pieces = [.. values.SelectMany(PiecesOf)];
        if (threads == 1 || values.Sum(static v => v.Bytes) < worthThreads)
        {
            foreach ((Value value, long row) in pieces) LoadPiece(source, value, row, write);
            return;
        }

        try
        {
            Parallel.ForEach(pieces, new ParallelOptions { MaxDegreeOfParallelism = Math.Min(MostThreads, threads) }, piece => LoadPiece(source, piece.Value, piece.Row, write));
        }
        catch (AggregateException e) when (e.InnerException is InvalidInputException)
        {
            throw e.InnerException;
        }
    }

    private static long RowsOfPiece(Value value)
    {
        long rows = WeightMap.RowsOf(value.Shape);
        return Math.Min(rows, Math.Max(TiledRows.Rows, PieceElements / Math.Max(1, WeightMap.ColumnsOf(value.Shape)) / TiledRows.Rows * TiledRows.Rows));
    }

    private static IEnumerable<(Value Value, long Row)> PiecesOf(Value value)
    {
        long rows = WeightMap.RowsOf(value.Shape), step = RowsOfPiece(value);
        for (long row = 0; row < rows; row += step) yield return (value, row);
    }

    private static void LoadPiece(WeightSource source, Value value, long row, WeightWriter write)
    {
        long columns = WeightMap.ColumnsOf(value.Shape);
        int count = checked((int)(Math.Min(RowsOfPiece(value), WeightMap.RowsOf(value.Shape) - row) * columns)), size = checked((int)value.DType.Bytes(count));
        byte[] bytes = ArrayPool<byte>.Shared.Rent(size);
        Span<byte> piece = bytes.AsSpan(0, size);
        if (!source.TryCopy(value.Name, value.Shape, row, value.DType, piece))
        {
            float[] numbers = ArrayPool<float>.Shared.Rent(count);
            source.Read(value.Name, value.Shape, row, numbers.AsSpan(0, count));
            TensorCodec.Encode(value.DType, numbers.AsSpan(0, count), piece);
            ArrayPool<float>.Shared.Return(numbers);
        }

        WriteRows(write, value, row, piece);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    // Rows come in order, in multiples of a tile's but for the last ones, which stay rows where they fill no tile.
    private static void WriteRows(WeightWriter write, Value value, long firstRow, Span<byte> bytes)
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

        write(value, value.DType.Bytes(firstRow * columns), bytes);
    }
}
