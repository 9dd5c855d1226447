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
/// Rotary position embedding (Su et al. 2021, equation 34): pair i of each head turns by position · frequency i and is multiplied by the
/// frequencies' factor. Pairs are of the first channels of a head, as many as there are frequencies; the others are left as they are.
/// Inputs x [.., heads · headDimension] and positions (I32, one for each row of x).
/// </summary>
/// <param name="HeadDimension">Channels of a head.</param>
/// <param name="Frequencies">How fast each pair turns.</param>
/// <param name="Pairing">Which channels form a pair.</param>
/// <param name="Inverse">Turn backwards; this is also the gradient.</param>
public sealed record RotaryEmbedding(int HeadDimension, RotaryFrequencies Frequencies, RotaryPairing Pairing, bool Inverse = false) : Op
{
    /// <summary>The most channels of a head that can be rotated.</summary>
    public const int MostChannels = 1024;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireType(inputs, 1, DType.I32);
        RequireRowsOf(inputs, 0, HeadDimension);
        int rotated = 2 * Frequencies.Count;
        if (rotated > Math.Min(HeadDimension, MostChannels)) throw Refuse($"{rotated} channels of {HeadDimension} cannot be rotated", inputs);
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
        this GraphBuilder builder, Value x, Value positions, int headDimension, RotaryFrequencies frequencies, RotaryPairing pairing, string name) =>
        builder.Emit(new RotaryEmbedding(headDimension, frequencies, pairing), name, MemoryKind.Activations, x, positions)[0];
}
