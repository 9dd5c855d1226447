using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Root-mean-square normalization of rows (Zhang and Sennrich 2019): y = (offset + gain) · x / √(mean(x²) + ε). Rows are as wide as the
/// gain; a row of x may be several of them side by side, as the heads of a query are.
/// Outputs y and, for the backward pass, the inverse root of each row.
/// </summary>
/// <param name="Epsilon">Added to the mean square.</param>
/// <param name="GainOffset">Added to gains.</param>
public sealed record RmsNorm(float Epsilon, float GainOffset = 0) : Op
{
    /// <inheritdoc/>
    public override bool IsCheap => true;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 1, 1);
        RequireFloats(inputs, 1, new Shape(inputs[1].Shape[^1]));
        long rows = RequireRowsOf(inputs, 0, inputs[1].Shape[^1]);
        return [new TensorType(inputs[0].Shape, DType.F32), new TensorType(new Shape(rows), DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value x = node.Inputs[0], gain = node.Inputs[1];
        Value? sum = gradients.Of(x), gainSum = gradients.Of(gain);
        bool needsGain = gradients.Needed(gain);
        List<Value> inputs = [gradients.Of(node.Outputs[0])!, x, gain, node.Outputs[1]];
        if (sum is not null) inputs.Add(sum);
        if (needsGain && gainSum is not null) inputs.Add(gainSum);
        RmsNormGradient op = new(sum is not null, needsGain, needsGain && gainSum is not null, GainOffset);
        IReadOnlyList<Value> outputs = gradients.Builder.EmitTyped(
            op, inputs, ("d." + x.Name, Gradients.KindFor(x)), ("d." + gain.Name, MemoryKind.Gradients));
        if (gradients.Needed(x)) gradients.Set(x, outputs[0]);
        if (needsGain) gradients.Set(gain, outputs[1]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>
/// Gradient of <see cref="RmsNorm"/>. Inputs dy, x, gain, inverse root, then the running sums of dx and of the gain's gradient where
/// there are any. Outputs dx and, unless the gain is frozen, the gain's gradient. The second input may be x or the normalized row.
/// </summary>
/// <param name="Accumulate">There is a running sum of dx.</param>
/// <param name="NeedsGain">The gain's gradient is wanted.</param>
/// <param name="AccumulateGain">There is a running sum of the gain's gradient.</param>
/// <param name="GainOffset">Added to gains.</param>
/// <param name="FromOutput">In place of x there is n of <see cref="NormalizeRows"/>.</param>
public sealed record RmsNormGradient(bool Accumulate, bool NeedsGain, bool AccumulateGain, float GainOffset = 0, bool FromOutput = false) : Op
{
    /// <summary>Number of the input that is the running sum of the gain's gradient.</summary>
    public int GainSumInput => Accumulate ? 5 : 4;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        int count = 4 + (Accumulate ? 1 : 0) + (AccumulateGain ? 1 : 0);
        RequireCount(inputs, count, count);
        Shape x = inputs[1].Shape;
        RequireFloats(inputs, 0, x);
        RequireRank(inputs, 2, 1);
        RequireFloats(inputs, 2, new Shape(inputs[2].Shape[^1]));
        RequireFloats(inputs, 3, new Shape(RequireRowsOf(inputs, 1, inputs[2].Shape[^1])));
        if (Accumulate) RequireFloats(inputs, 4, x);
        if (AccumulateGain) RequireFloats(inputs, GainSumInput, inputs[2].Shape);
        TensorType dx = new(x, DType.F32);
        return NeedsGain ? [dx, new TensorType(inputs[2].Shape, DType.F32)] : [dx];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node)
    {
        List<SharedBuffer> pairs = [new(0, Accumulate ? 4 : 0)];
        if (AccumulateGain) pairs.Add(new SharedBuffer(1, GainSumInput));
        return pairs;
    }
}

/// <summary>Root-mean-square normalization in a graph under construction.</summary>
public static class RmsNormBuilding
{
    /// <summary>Normalizes the rows of <paramref name="x"/> [.., width] and scales them by offset + <paramref name="gain"/> [width].</summary>
    public static Value RmsNorm(this GraphBuilder builder, Value x, Value gain, float epsilon, float gainOffset = 0, string name = "norm") =>
        builder.Emit(new RmsNorm(epsilon, gainOffset), name, MemoryKind.Activations, x, gain)[0];
}
