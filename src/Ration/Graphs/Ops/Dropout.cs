using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Zeroes elements with a probability and scales the others by 1/(1 − p) (Srivastava et al. 2014). Which ones depends only on the
/// random key, the site, the row's number and the element's number in its row, by a counter-based generator (Salmon et al. 2011), so
/// that no mask is stored: the gradient draws it again. Inputs x, whose rows are the first of three dimensions or else one, and the
/// random key (I64 [2]: the seed and the number of the first row). Rows are numbered through the run, so that it makes no difference
/// how many go through the model at once.
/// </summary>
/// <param name="Probability">Of being zeroed; at least 0, below 1.</param>
/// <param name="Site">Distinguishes the dropouts of a model.</param>
public sealed record Dropout(float Probability, int Site) : Op
{
    /// <inheritdoc/>
    public override bool IsCheap => true;

    /// <summary>How many rows draw by themselves.</summary>
    public static long Rows(Shape x) => x.Rank >= 3 ? x[0] : 1;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireType(inputs, 1, DType.I64);
        RequireShape(inputs, 1, new Shape(2));
        if (Probability is not (>= 0 and < 1)) throw Refuse($"the probability {Probability} is not in [0, 1)", inputs);
        return [new TensorType(inputs[0].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value x = node.Inputs[0];
        gradients.Add(x, gradients.Builder.Emit(this, "d." + x.Name, MemoryKind.Activations, gradients.Of(node.Output)!, node.Inputs[1])[0]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>Dropout in a graph under construction.</summary>
public static class DropoutBuilding
{
    /// <summary>Dropout of <paramref name="x"/> at a numbered site.</summary>
    public static Value Dropout(this GraphBuilder builder, Value x, Value randomKey, float probability, int site, string name = "dropout") =>
        builder.Emit(new Dropout(probability, site), name, MemoryKind.Activations, x, randomKey)[0];
}
