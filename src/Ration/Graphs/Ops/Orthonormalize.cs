using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// An orthonormal basis [m, r] of the columns of a tall matrix [m, r], m ≥ r: the factor Q of the QR factorization whose R has no
/// negative number on its diagonal. Where columns depend on others the basis is completed by further directions, so it is
/// orthonormal whatever the input. Costs 4·m·r² operations and needs about as much scratch as the matrix.
/// </summary>
public sealed record Orthonormalize : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.F32);
        Shape shape = inputs[0].Shape;
        if (shape.Rank != 2) throw Refuse("takes one matrix", inputs);
        if (shape[0] < shape[1]) throw Refuse("has more columns than a basis of its rows can have", inputs);
        return [new TensorType(shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node)
    {
        double rows = node.Inputs[0].Shape[0], columns = node.Inputs[0].Shape[1];
        return base.Cost(node) with { Flops = (4 * rows * columns * columns) - (4.0 / 3 * columns * columns * columns) };
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>Bases of subspaces in a graph under construction.</summary>
public static class SubspaceBuilding
{
    /// <summary>An orthonormal basis of the columns of <paramref name="x"/> [m, r], m ≥ r.</summary>
    public static Value Orthonormalize(this GraphBuilder builder, Value x, string name = "basis") =>
        builder.Emit(new Orthonormalize(), name, MemoryKind.Workspace, x)[0];
}
