using System.Buffers;
using Ration.Execution;
using Ration.Graphs;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Files.Weights;

/// <summary>The parameters of a model that an executor holds.</summary>
internal sealed class ExecutorWeights(IReadOnlyList<Value> weights, Executor executor) : WeightSource
{
    private readonly Dictionary<string, Value> _values = weights.ToDictionary(static v => v.Name, StringComparer.Ordinal);

    /// <summary>A run saves while all that it planned is still in memory, and copying from there is as fast in small pieces.</summary>
    public override int PieceNumbers => 8 << 10;

    /// <inheritdoc/>
    public override DType TypeOf(string parameter) => _values[parameter].DType;

    /// <inheritdoc/>
    public override void Read(string parameter, Shape shape, long row, Span<float> numbers)
    {
        DType type = TypeOf(parameter);
        byte[] stored = ArrayPool<byte>.Shared.Rent((int)type.Bytes(numbers.Length));
        Span<byte> bytes = stored.AsSpan(0, (int)type.Bytes(numbers.Length));
        Copy(parameter, shape, row, bytes);
        TensorCodec.Decode(type, bytes, numbers);
        ArrayPool<byte>.Shared.Return(stored);
    }

    /// <inheritdoc/>
    public override void ReadColumns(string parameter, Shape shape, long row, int column, int columns, Span<float> numbers)
    {
        Value value = _values[parameter];
        if (value.Layout != StorageLayout.Rows || value.DType.BlockElements() > 1)
        {
            base.ReadColumns(parameter, shape, row, column, columns, numbers);
            return;
        }

        long width = WeightMap.ColumnsOf(shape);
        byte[] stored = ArrayPool<byte>.Shared.Rent((int)value.DType.Bytes(columns));
        Span<byte> bytes = stored.AsSpan(0, (int)value.DType.Bytes(columns));
        for (int i = 0; i < numbers.Length / columns; i++)
        {
            executor.ReadPersistent(value, value.DType.Bytes(((row + i) * width) + column), bytes);
            TensorCodec.Decode(value.DType, bytes, numbers.Slice(i * columns, columns));
        }

        ArrayPool<byte>.Shared.Return(stored);
    }

    /// <inheritdoc/>
    public override bool TryCopy(string parameter, Shape shape, long row, DType type, Span<byte> bytes)
    {
        if (TypeOf(parameter) != type) return false;
        Copy(parameter, shape, row, bytes);
        return true;
    }

    private void Copy(string parameter, Shape shape, long row, Span<byte> bytes)
    {
        Value value = _values[parameter];
        if (value.Layout != StorageLayout.Rows) throw new InvalidInputException($"{parameter} lies in tiles for fast generation and cannot be saved; load the model for training or convert its file");
        executor.ReadPersistent(value, value.DType.Bytes(row * WeightMap.ColumnsOf(shape)), bytes);
    }
}
