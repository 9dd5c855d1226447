using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Layer normalization of rows (Ba, Kiros and Hinton 2016): y = gain · (x − mean) / √(variance + ε) + bias.
/// Outputs y and, for the backward pass, the mean and the inverse deviation of each row.
/// </summary>
/// <param name="Epsilon">Added to the variance.</param>
public sealed record LayerNorm(float Epsilon) : Op
{
    /// <inheritdoc/>
    public override bool IsCheap => true;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 3, 3);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        Shape width = new(inputs[0].Shape[^1]);
        RequireFloats(inputs, 1, width);
        RequireFloats(inputs, 2, width);
        TensorType row = new(new Shape(inputs[0].Shape.Rows), DType.F32);
        return [new TensorType(inputs[0].Shape, DType.F32), row, row];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value x = node.Inputs[0], gain = node.Inputs[1], bias = node.Inputs[2];
        IReadOnlyList<Value> outputs = gradients.Builder.EmitTyped(
            new LayerNormGradient(), [gradients.Of(node.Outputs[0])!, x, gain, node.Outputs[1], node.Outputs[2]],
            ("d." + x.Name, MemoryKind.Activations), ("d." + gain.Name, MemoryKind.Gradients), ("d." + bias.Name, MemoryKind.Gradients));
        gradients.Add(x, outputs[0]);
        gradients.Add(gain, outputs[1]);
        gradients.Add(bias, outputs[2]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>
/// Gradient of <see cref="LayerNorm"/>: dy, x, gain, mean, inverse deviation → dx and the gradients of gain and bias. From the normalized row n it is
/// dy, n, gain, inverse deviation.
/// </summary>
/// <param name="FromOutput">In place of x there is n of <see cref="NormalizeRows"/>, and no mean.</param>
public sealed record LayerNormGradient(bool FromOutput = false) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        int count = FromOutput ? 4 : 5;
        RequireCount(inputs, count, count);
        RequireRank(inputs, 1, 1);
        Shape x = inputs[1].Shape;
        RequireFloats(inputs, 0, x);
        RequireFloats(inputs, 2, new Shape(x[^1]));
        for (int i = 3; i < count; i++) RequireFloats(inputs, i, new Shape(x.Rows));
        TensorType width = new(inputs[2].Shape, DType.F32);
        return [new TensorType(x, DType.F32), width, width];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>Layer normalization in a graph under construction.</summary>
public static class LayerNormBuilding
{
    /// <summary>Normalizes the rows of <paramref name="x"/> [.., width], scaled and shifted by gain and bias [width].</summary>
    public static Value LayerNorm(this GraphBuilder builder, Value x, Value gain, Value bias, float epsilon, string name = "norm") =>
        builder.Emit(new LayerNorm(epsilon), name, MemoryKind.Activations, x, gain, bias)[0];
}
