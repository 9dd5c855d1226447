using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// The vocabulary head and the loss in one: scale · Σ over tokens of the cross-entropy of softmax(h·Wᵀ) against the target, without ever
/// holding tokens × vocabulary (Wijmans et al. 2024, "Cut Your Losses"). Inputs h [.., width], W [vocabulary, width], targets (I32, one
/// for each row of h; negative = ignored), a scalar scale, usually one over the number of targets of the whole batch, and, for a sampled
/// softmax, the ids of the rows of W that take part (I32 [classes], ascending, then −1 for none; every target must be among them). Outputs
/// the loss (scalar), the log-sum-exp of each token's logits, and what <see cref="OrderVocabulary"/> or <see cref="KeepLogits"/> ask for.
/// </summary>
/// <param name="LabelSmoothing">Share of the target's probability that is spread over the classes, in [0, 1).</param>
/// <param name="ZLoss">Coefficient of the squared log-sum-exp (Chowdhery et al. 2022); 0 for none.</param>
/// <param name="FilterThreshold">
/// Tiles of the gradient by the logits whose elements are all smaller than this, before scaling, are skipped (section 4.3 of the paper,
/// 2⁻¹² there); 0 keeps the gradient exact.
/// </param>
/// <param name="SoftCap">If not 0, logits z become cap · tanh(z / cap) (Gemma 2).</param>
/// <param name="OrderVocabulary">
/// With a threshold: the third output is the average logit of each class [vocabulary] over the tokens with a target, and the backward pass
/// takes the vocabulary in that order, so that what is not negligible lies in few tiles (section 4.3).
/// </param>
/// <param name="ChunkTokens">If not 0, logits of so many tokens and the whole vocabulary are held at a time, instead of a block of 4 MiB.</param>
/// <param name="KeepLogits">The third output is all logits [tokens, classes], uncapped, so that the backward pass has not to multiply for them again.</param>
public sealed record LinearCrossEntropy(
    float LabelSmoothing = 0, float ZLoss = 0, float FilterThreshold = 0, float SoftCap = 0, bool OrderVocabulary = false, int ChunkTokens = 0, bool KeepLogits = false) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 4, 5);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        Shape h = inputs[0].Shape, w = inputs[1].Shape;
        if (w.Rank != 2 || w[1] != h[^1] || !inputs[1].DType.IsReal() || inputs[1].DType.IsPlanar()) throw Refuse("the head must be [vocabulary, width]", inputs);
        RequireType(inputs, 2, DType.I32);
        if (inputs[2].Shape.Elements != h.Rows) throw Refuse("one target is needed for each row", inputs);
        RequireFloats(inputs, 3, Shape.Scalar);
        if (inputs.Count == 5) RequireSample(inputs);
        if (LabelSmoothing is not (>= 0 and < 1)) throw Refuse($"label smoothing {LabelSmoothing} is not in [0, 1)", inputs);
        if (!(SoftCap >= 0)) throw Refuse($"soft cap {SoftCap} is negative", inputs);
        if (!(FilterThreshold >= 0)) throw Refuse($"filter threshold {FilterThreshold} is negative", inputs);
        if (ChunkTokens < 0) throw Refuse($"chunks of {ChunkTokens} tokens cannot be made", inputs);
        if (OrderVocabulary && FilterThreshold == 0) throw Refuse("an order of the vocabulary serves nothing without a filter threshold", inputs);
        if (OrderVocabulary && (KeepLogits || inputs.Count == 5)) throw Refuse("the vocabulary can be ordered only where all of it is computed again", inputs);
        if (KeepLogits && inputs.Count == 5) throw Refuse("logits of a sample are not kept", inputs);
        List<TensorType> outputs = [new TensorType(Shape.Scalar, DType.F32), new TensorType(new Shape(h.Rows), DType.F32)];
        if (OrderVocabulary) outputs.Add(new TensorType(new Shape(w[0]), DType.F32));
        if (KeepLogits) outputs.Add(new TensorType(new Shape(h.Rows, w[0]), DType.F32));
        return [.. outputs];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value h = node.Inputs[0], w = node.Inputs[1];
        bool needsHidden = gradients.Needed(h), needsWeight = gradients.Needed(w), sampled = node.Inputs.Count == 5;
        Value? weightSum = needsWeight ? gradients.Of(w) : null;
        List<Value> inputs = [h, w, node.Inputs[2], node.Inputs[3], node.Outputs[1]];
        if (sampled) inputs.Add(node.Inputs[4]);
        if (node.Outputs.Count == 3) inputs.Add(node.Outputs[2]);
        if (weightSum is not null) inputs.Add(weightSum);
        IReadOnlyList<Value> outputs = gradients.Builder.EmitTyped(
            new LinearCrossEntropyGradient(this, needsHidden, needsWeight, weightSum is not null, sampled), inputs,
            needsHidden ? ("d." + h.Name, Gradients.KindFor(h)) : ("d." + w.Name, MemoryKind.Gradients), ("d." + w.Name, MemoryKind.Gradients));
        if (needsHidden) gradients.Add(h, outputs[0]);
        if (needsWeight) gradients.Set(w, outputs[^1]);
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => base.Cost(node) with { Flops = Flops(node, node.Inputs.Count == 5 ? node.Inputs[4] : null) };

    /// <summary>Operations of one product of all tokens with the rows of the head that take part.</summary>
    internal static double Flops(Node node, Value? sample)
    {
        Shape head = node.Inputs[1].Shape;
        return 2.0 * node.Inputs[0].Shape.Rows * (sample is null ? head.Elements : (double)sample.Shape.Elements * head[1]);
    }

    private void RequireSample(IReadOnlyList<Value> inputs)
    {
        RequireType(inputs, 4, DType.I32);
        if (inputs[4].Shape.Rank != 1 || inputs[4].Shape[0] > inputs[1].Shape[0]) throw Refuse("the sample must be one list of at most the vocabulary", inputs);
    }
}

/// <summary>
/// Gradient of <see cref="LinearCrossEntropy"/>: h, W, targets, scale, log-sum-exp, then the sample, the average logits or the kept logits
/// where there are some, then, where there is one, the running sum of W's gradient → gradients of h and of W, those that are wanted.
/// Logits are computed again, tile by tile, unless they were kept. Rows of W that are not in the sample get a gradient of zero.
/// </summary>
/// <param name="Forward">The loss.</param>
/// <param name="NeedsHidden">The gradient of h is wanted.</param>
/// <param name="NeedsWeight">The gradient of W is wanted.</param>
/// <param name="AccumulateWeight">There is a running sum of W's gradient.</param>
/// <param name="Sampled">There is a sample.</param>
public sealed record LinearCrossEntropyGradient(LinearCrossEntropy Forward, bool NeedsHidden, bool NeedsWeight, bool AccumulateWeight, bool Sampled = false) : Op
{
    private const int FirstExtra = 5;

    /// <summary>Number of the input that holds the sample, the average logits or the kept logits; −1 where there are none.</summary>
    internal int ExtraInput => Sampled || Forward.OrderVocabulary || Forward.KeepLogits ? FirstExtra : -1;

    /// <summary>Number of the input that holds the running sum, if there is one.</summary>
    internal int SumInput => ExtraInput < 0 ? FirstExtra : FirstExtra + 1;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        int count = SumInput + (AccumulateWeight ? 1 : 0);
        RequireCount(inputs, count, count);
        TensorType[] forward = Forward.InferOutputs(Sampled ? [.. inputs.Take(4), inputs[ExtraInput]] : [.. inputs.Take(4)]);
        RequireFloats(inputs, 4, forward[1].Shape);
        if (forward.Length == 3) RequireFloats(inputs, ExtraInput, forward[2].Shape);
        if (AccumulateWeight) RequireFloats(inputs, SumInput, inputs[1].Shape);
        List<TensorType> outputs = [];
        if (NeedsHidden) outputs.Add(new TensorType(inputs[0].Shape, DType.F32));
        if (NeedsWeight) outputs.Add(new TensorType(inputs[1].Shape, DType.F32));
        return [.. outputs];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => AccumulateWeight ? [new SharedBuffer(NeedsHidden ? 1 : 0, SumInput)] : [];

    /// <inheritdoc/>
    public override OpCost Cost(Node node)
    {
        int products = (Forward.KeepLogits ? 0 : 1) + (NeedsHidden ? 1 : 0) + (NeedsWeight ? 1 : 0);
        return base.Cost(node) with { Flops = products * LinearCrossEntropy.Flops(node, Sampled ? node.Inputs[ExtraInput] : null) };
    }
}

/// <summary>The loss of a language model in a graph under construction.</summary>
public static class LinearCrossEntropyBuilding
{
    /// <summary>scale · Σ cross-entropy(softmax(h·Wᵀ), target) over tokens whose target is not negative; of a sample of W's rows, if there is one.</summary>
    public static Value LinearCrossEntropy(
        this GraphBuilder builder, Value hidden, Value weight, Value targets, Value scale, LinearCrossEntropy? options = null, Value? sample = null) =>
        builder.Emit(options ?? new LinearCrossEntropy(), "loss", MemoryKind.Activations, sample is null ? [hidden, weight, targets, scale] : [hidden, weight, targets, scale, sample])[0];
}
