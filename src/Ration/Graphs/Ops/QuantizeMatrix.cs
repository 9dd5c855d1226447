using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// A matrix [n, k] rounded to 8 bits, in tiles: the right factor of a <see cref="MatMul"/> whose numbers are bytes. The result is
/// <see cref="DType.Q8_0"/> of shape [n, k] or, transposed, [k, n]: blocks of 32 along its rows, each with a scale of its own, as
/// <see cref="Tensors.Formats.TensorCodec"/> encodes them. Both sides are multiples of 32, so that blocks and tiles are whole either way.
/// </summary>
/// <param name="Transpose">Whether the result is the transpose.</param>
public sealed record QuantizeMatrix(bool Transpose) : Op
{
    /// <summary>Whether a matrix can be rounded so, either way.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="type">How it is stored.</param>
    public static bool Accepts(Shape shape, DType type) =>
        shape.Rank == 2 && shape.Elements > 0 && IsWhole(shape[0]) && IsWhole(shape[1]) && type.IsReal() && !type.IsPlanar() && type.CanStore(shape) && IsWhole(type);

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        Shape shape = inputs[0].Shape;
        if (!Accepts(shape, inputs[0].DType)) throw Refuse("takes a matrix of real numbers whose sides are multiples of 32", inputs);
        return [new TensorType(Transpose ? new Shape(shape[1], shape[0]) : shape, DType.Q8_0, StorageLayout.Tiles)];
    }

    /// <inheritdoc/>
    public override string CostClass => $"{Name} {(Transpose ? 'T' : 'N')}";

    private static bool IsWhole(long side) => side % DType.Q8_0.BlockElements() == 0;

    // A strip of 32 columns must be readable by itself.
    private static bool IsWhole(DType type) => DType.Q8_0.BlockElements() % type.BlockElements() == 0;
}
