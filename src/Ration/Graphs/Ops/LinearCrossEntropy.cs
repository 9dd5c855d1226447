using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// The vocabulary head and the loss in one: scale · Σ over tokens of the cross-entropy of softmax(h·Wᵀ) against the target, without ever
/// holding tokens × vocabulary (Wijmans et al. 2024, "Cut Your Losses"). Inputs h [.., width], W [vocabulary, width], targets (I32, one
/// for each row of h; negative = ignored) and a scalar scale, usually one over the number of targets of the whole batch. Outputs the
/// loss (scalar) and the log-sum-exp of each token's logits.
/// </summary>
/// <param name="LabelSmoothing">Share of the target's probability that is spread over the vocabulary, in [0, 1).</param>
/// <param name="ZLoss">Coefficient of the squared log-sum-exp (Chowdhery et al. 2022); 0 for none.</param>
/// <param name="FilterThreshold">
/// Tiles of the softmax gradient whose elements are all smaller than this are skipped, as in the paper (2⁻¹² there); 0 keeps the
/// gradient exact.
/// </param>
/// <param name="SoftCap">If not 0, logits z become cap · tanh(z / cap) (Gemma 2).</param>
public sealed record LinearCrossEntropy(float LabelSmoothing = 0, float ZLoss = 0, float FilterThreshold = 0, float SoftCap = 0) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 4, 4);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        Shape h = inputs[0].Shape, w = inputs[1].Shape;
        if (w.Rank != 2 || w[1] != h[^1] || !inputs[1].DType.IsReal() || inputs[1].DType.IsPlanar()) throw Refuse("the head must be [vocabulary, width]", inputs);
        RequireType(inputs, 2, DType.I32);
        if (inputs[2].Shape.Elements != h.Rows) throw Refuse("one target is needed for each row", inputs);
        RequireFloats(inputs, 3, Shape.Scalar);
        if (LabelSmoothing is not (>= 0 and < 1)) throw Refuse($"label smoothing {LabelSmoothing} is not in [0, 1)", inputs);
        if (!(SoftCap >= 0)) throw Refuse($"soft cap {SoftCap} is negative", inputs);
        return [new TensorType(Shape.Scalar, DType.F32), new TensorType(new Shape(h.Rows), DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value h = node.Inputs[0], w = node.Inputs[1];
        bool needsHidden = gradients.Needed(h), needsWeight = gradients.Needed(w);
        Value? weightSum = needsWeight ? gradients.Of(w) : null;
        List<Value> inputs = [h, w, node.Inputs[2], node.Inputs[3], node.Outputs[1]];
        if (weightSum is not null) inputs.Add(weightSum);
        IReadOnlyList<Value> outputs = gradients.Builder.EmitTyped(
            new LinearCrossEntropyGradient(this, needsHidden, needsWeight, weightSum is not null), inputs,
            needsHidden ? ("d." + h.Name, Gradients.KindFor(h)) : ("d." + w.Name, MemoryKind.Gradients), ("d." + w.Name, MemoryKind.Gradients));
        if (needsHidden) gradients.Add(h, outputs[0]);
        if (needsWeight) gradients.Set(w, outputs[^1]);
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => base.Cost(node) with { Flops = 2.0 * node.Inputs[0].Shape.Rows * node.Inputs[1].Shape.Elements };
}

/// <summary>
/// Gradient of <see cref="LinearCrossEntropy"/>: h, W, targets, scale, log-sum-exp and, where there is one, the running sum of W's
/// gradient → gradients of h and of W, those that are wanted. Logits are computed again, tile by tile.
/// </summary>
/// <param name="Forward">The loss.</param>
/// <param name="NeedsHidden">The gradient of h is wanted.</param>
/// <param name="NeedsWeight">The gradient of W is wanted.</param>
/// <param name="AccumulateWeight">There is a running sum of W's gradient.</param>
public sealed record LinearCrossEntropyGradient(LinearCrossEntropy Forward, bool NeedsHidden, bool NeedsWeight, bool AccumulateWeight) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, AccumulateWeight ? 6 : 5, AccumulateWeight ? 6 : 5);
        TensorType[] forward = Forward.InferOutputs([inputs[0], inputs[1], inputs[2], inputs[3]]);
        RequireFloats(inputs, 4, forward[1].Shape);
        if (AccumulateWeight) RequireFloats(inputs, 5, inputs[1].Shape);
        List<TensorType> outputs = [];
        if (NeedsHidden) outputs.Add(new TensorType(inputs[0].Shape, DType.F32));
        if (NeedsWeight) outputs.Add(new TensorType(inputs[1].Shape, DType.F32));
        return [.. outputs];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => AccumulateWeight ? [new SharedBuffer(NeedsHidden ? 1 : 0, 5)] : [];

    /// <inheritdoc/>
    public override OpCost Cost(Node node)
    {
        int products = 1 + (NeedsHidden ? 1 : 0) + (NeedsWeight ? 1 : 0);
        return base.Cost(node) with { Flops = 2.0 * products * node.Inputs[0].Shape.Rows * node.Inputs[1].Shape.Elements };
    }
}

/// <summary>The loss of a language model in a graph under construction.</summary>
public static class LinearCrossEntropyBuilding
{
    /// <summary>scale · Σ cross-entropy(softmax(h·Wᵀ), target) over tokens whose target is not negative.</summary>
    public static Value LinearCrossEntropy(
        this GraphBuilder builder, Value hidden, Value weight, Value targets, Value scale, LinearCrossEntropy? options = null) =>
        builder.Emit(options ?? new LinearCrossEntropy(), "loss", MemoryKind.Activations, hidden, weight, targets, scale)[0];
}
