using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Assigns a row of a persistent matrix [s, k]: the second input, of any shape with k elements, goes to the row whose number the third holds, an
/// F32 scalar of a whole number. A number outside of the matrix is taken modulo s, so that counting up fills a ring.
/// </summary>
public sealed record AssignRow : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 3, 3);
        for (int i = 0; i < 3; i++) RequireType(inputs, i, DType.F32);
        if (inputs[0].Shape.Rank != 2 || inputs[0].Shape[0] < 1) throw Refuse("assigns a row of a matrix", inputs);
        if (inputs[1].Shape.Elements != inputs[0].Shape[1]) throw Refuse($"the row has not {inputs[0].Shape[1]} elements", inputs);
        RequireShape(inputs, 2, Shape.Scalar);
        return [];
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => new(0, 2.0 * node.Inputs[1].Bytes);

    /// <inheritdoc/>
    public override IReadOnlyList<int> AssignedInputs(Node node) => [0];
}

/// <summary>The same elements in another shape. Costs nothing where its input is not read again.</summary>
/// <param name="Target">The shape of the result, with as many elements.</param>
public sealed record Reshape(Shape Target) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.F32);
        if (inputs[0].Shape.Elements != Target.Elements) throw Refuse($"{Target} has another number of elements", inputs);
        return [new TensorType(Target, DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients) =>
        gradients.Add(node.Inputs[0], gradients.Builder.Reshape(gradients.Of(node.Output)!, node.Inputs[0].Shape, "d." + node.Inputs[0].Name));

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>
/// The column of (K + λI)⁻¹ whose number the second input holds, an F32 scalar of a whole number, modulo s: [1, s]. K [s, s] is symmetric and
/// has no negative eigenvalue, as Gram matrices; only its lower half is read. Solved in double precision by Cholesky's method.
/// </summary>
/// <param name="Regularization">λ, finite and above 0.</param>
public sealed record InverseColumn(float Regularization) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        Shape shape = inputs[0].Shape;
        if (shape.Rank != 2 || shape[0] != shape[1] || shape[0] < 1) throw Refuse("takes a square matrix", inputs);
        RequireFloats(inputs, 1, Shape.Scalar);
        if (!(Regularization > 0 && float.IsFinite(Regularization))) throw Refuse($"λ = {Regularization} is not a finite number above 0", inputs);
        return [new TensorType(new Shape(1, shape[0]), DType.F32)];
    }
}

/// <summary>Rows of matrices and small systems in a graph under construction.</summary>
public static class RowBuilding
{
    /// <summary>Assigns the elements of <paramref name="x"/> to a row of <paramref name="matrix"/>.</summary>
    public static void AssignRow(this GraphBuilder builder, Value matrix, Value x, Value row) =>
        builder.Emit(new AssignRow(), "", MemoryKind.Workspace, matrix, x, row);

    /// <summary>x in another shape.</summary>
    public static Value Reshape(this GraphBuilder builder, Value x, Shape shape, string name) => builder.Emit(new Reshape(shape), name, x.Kind, x)[0];

    /// <summary>A column of (K + λI)⁻¹ as a row [1, s].</summary>
    public static Value InverseColumn(this GraphBuilder builder, Value gram, float regularization, Value column, string name) =>
        builder.Emit(new InverseColumn(regularization), name, MemoryKind.Workspace, gram, column)[0];
}
