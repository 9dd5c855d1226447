using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Chooses experts for tokens (Shazeer et al. 2017; Fedus et al. 2021): the softmax of a token's router logits [.., experts], of which
/// the largest k count. Every token gets all its k choices, whoever else chose the same. The choices of all tokens are arranged by
/// expert, and within an expert by token, so that an expert's rows lie together.
/// Outputs, for n tokens: the weight of each arranged row [n · k]; the chosen experts, best first, of equal ones the first (I32 [.., k]);
/// the arranged row of each choice (I32 [.., k]); the first arranged row of each expert and, last, n · k (I32 [experts + 1]).
/// </summary>
/// <param name="ExpertsPerToken">k.</param>
/// <param name="Normalize">A token's k weights are divided by their sum.</param>
public sealed record RouteTokens(int ExpertsPerToken, bool Normalize) : Op
{
    /// <summary>The most experts to choose from.</summary>
    public const int MostExperts = 4096;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 2);
        Shape logits = inputs[0].Shape;
        if (logits[^1] > MostExperts) throw Refuse($"there may be at most {MostExperts} experts", inputs);
        if (ExpertsPerToken < 1 || ExpertsPerToken > logits[^1]) throw Refuse($"{ExpertsPerToken} of {logits[^1]} experts cannot be chosen", inputs);
        TensorType choices = new(logits.WithInnermost(ExpertsPerToken), DType.I32);
        if (choices.Shape.Elements > int.MaxValue) throw Refuse("there are too many choices to number", inputs);
        return [new(new Shape(choices.Shape.Elements), DType.F32), choices, choices, new(new Shape(logits[^1] + 1), DType.I32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value logits = node.Inputs[0];
        gradients.Add(logits, gradients.Builder.Emit(
            new RouteTokensGradient(this), "d." + logits.Name, MemoryKind.Activations,
            gradients.Of(node.Outputs[0])!, logits, node.Outputs[1], node.Outputs[2])[0]);
    }
}

/// <summary>Gradient of <see cref="RouteTokens"/>: gradients of the arranged weights, logits, chosen experts, arranged rows → of the logits.</summary>
/// <param name="Forward">The choice.</param>
public sealed record RouteTokensGradient(RouteTokens Forward) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 4, 4);
        TensorType[] outputs = Forward.InferOutputs([inputs[1]]);
        RequireFloats(inputs, 0, outputs[0].Shape);
        for (int i = 2; i < 4; i++)
        {
            RequireType(inputs, i, DType.I32);
            RequireShape(inputs, i, outputs[1].Shape);
        }

        return [new TensorType(inputs[1].Shape, DType.F32)];
    }
}

/// <summary>
/// A copy of each token's row for each of its experts: x [.., width] and the arranged row of each choice (I32 [.., k]) → [n · k, width].
/// </summary>
public sealed record CopyToExperts : Op
{
    /// <inheritdoc/>
    public override bool IsCheap => true;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 2);
        RequireType(inputs, 1, DType.I32);
        RequireRank(inputs, 1, 2);
        Shape x = inputs[0].Shape, places = inputs[1].Shape;
        if (x.WithInnermost(1) != places.WithInnermost(1)) throw Refuse("choices are needed for each row", inputs);
        return [new TensorType(new Shape(places.Elements, x[^1]), DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value x = node.Inputs[0];
        gradients.Add(x, gradients.Builder.Emit(
            new SumFromExperts(), "d." + x.Name, MemoryKind.Activations, gradients.Of(node.Output)!, node.Inputs[1])[0]);
    }
}

/// <summary>
/// The sum of each token's rows over its experts: y [n · k, width] and the arranged row of each choice (I32 [.., k]) → [.., width].
/// </summary>
public sealed record SumFromExperts : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 1, DType.I32);
        RequireRank(inputs, 1, 2);
        RequireRank(inputs, 0, 2);
        Shape y = inputs[0].Shape, places = inputs[1].Shape;
        RequireFloats(inputs, 0, new Shape(places.Elements, y[^1]));
        return [new TensorType(places.WithInnermost(y[^1]), DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value y = node.Inputs[0];
        gradients.Add(y, gradients.Builder.Emit(
            new CopyToExperts(), "d." + y.Name, MemoryKind.Activations, gradients.Of(node.Output)!, node.Inputs[1])[0]);
    }
}

/// <summary>Mixtures of experts in a graph under construction.</summary>
public static class RoutingBuilding
{
    /// <summary>Chooses experts by logits [.., experts].</summary>
    public static (Value Weights, Value Experts, Value Places, Value Starts) RouteTokens(this GraphBuilder builder, Value logits, int expertsPerToken, bool normalize)
    {
        IReadOnlyList<Value> outputs = builder.Emit(new RouteTokens(expertsPerToken, normalize), "route", MemoryKind.Activations, logits);
        return (outputs[0], outputs[1], outputs[2], outputs[3]);
    }

    /// <summary>A copy of each row for each of its experts, arranged by expert.</summary>
    public static Value CopyToExperts(this GraphBuilder builder, Value x, Value places, string name = "arranged") =>
        builder.Emit(new CopyToExperts(), name, MemoryKind.Activations, x, places)[0];

    /// <summary>The sum of each token's arranged rows.</summary>
    public static Value SumFromExperts(this GraphBuilder builder, Value y, Value places, string name = "mixed") =>
        builder.Emit(new SumFromExperts(), name, MemoryKind.Activations, y, places)[0];
}
