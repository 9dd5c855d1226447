using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// The part of a normalization that depends on the row: n = x / √(mean(x²) + ε), or (x − mean) / √(variance + ε). Rows are of a width; a row of x
/// may be several of them side by side. Outputs n and the inverse root of each row, all that the gradient of the norm reads
/// (<see cref="RmsNormGradient"/>, <see cref="LayerNormGradient"/>).
/// </summary>
/// <param name="Epsilon">Added to the mean square or the variance.</param>
/// <param name="Width">Channels of a row, at least 1.</param>
/// <param name="IsCentred">Whether the mean is taken away.</param>
public sealed record NormalizeRows(float Epsilon, long Width, bool IsCentred) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.F32);
        long rows = RequireRowsOf(inputs, 0, Width);
        return [new TensorType(inputs[0].Shape, DType.F32), new TensorType(new Shape(rows), DType.F32)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>
/// The part of a normalization that depends on the channel: y = (offset + gain) · x, and a bias [width] added where there is a third input. Rows
/// are as wide as the gain.
/// </summary>
/// <param name="GainOffset">Added to gains.</param>
public sealed record ScaleColumns(float GainOffset = 0) : Op
{
    /// <inheritdoc/>
    public override bool IsCheap => true;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 3);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 1, 1);
        Shape width = new(inputs[1].Shape[^1]);
        RequireFloats(inputs, 1, width);
        if (inputs.Count > 2) RequireFloats(inputs, 2, width);
        _ = RequireRowsOf(inputs, 0, width[0]);
        return [new TensorType(inputs[0].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}
