using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>Which two channels of a head form a rotated pair.</summary>
public enum RotaryPairing
{
    /// <summary>i and i + d/2, as in Hugging Face model files.</summary>
    Halves,

    /// <summary>2i and 2i + 1, as in the paper and in Meta's files.</summary>
    Neighbours,
}

/// <summary>
/// Rotary position embedding (Su et al. 2021, equation 34): pair i of each head turns by position · base^(−2i/d).
/// Inputs x [.., heads · headDimension] and positions (I32, one for each row of x).
/// </summary>
/// <param name="HeadDimension">Channels of a head, even.</param>
/// <param name="Base">The frequency base, θ.</param>
/// <param name="Pairing">Which channels form a pair.</param>
/// <param name="Inverse">Turn backwards; this is also the gradient.</param>
public sealed record RotaryEmbedding(int HeadDimension, double Base, RotaryPairing Pairing, bool Inverse = false) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireType(inputs, 1, DType.I32);
        RequireRank(inputs, 0, 1);
        if (HeadDimension <= 0 || HeadDimension % 2 != 0 || inputs[0].Shape[^1] % HeadDimension != 0)
            throw Refuse($"rows must be whole heads of {HeadDimension} channels, an even number", inputs);
        if (inputs[1].Shape.Elements != inputs[0].Shape.Rows) throw Refuse("one position is needed for each row", inputs);
        return [new TensorType(inputs[0].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value x = node.Inputs[0];
        gradients.Add(x, gradients.Builder.Emit(
            this with { Inverse = !Inverse }, "d." + x.Name, MemoryKind.Activations, gradients.Of(node.Output)!, node.Inputs[1])[0]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>Rotary embedding in a graph under construction.</summary>
public static class RotaryEmbeddingBuilding
{
    /// <summary>Turns each head of <paramref name="x"/> by the position of its row.</summary>
    public static Value RotaryEmbedding(
        this GraphBuilder builder, Value x, Value positions, int headDimension, double theta, RotaryPairing pairing, string name) =>
        builder.Emit(new RotaryEmbedding(headDimension, theta, pairing), name, MemoryKind.Activations, x, positions)[0];
}
