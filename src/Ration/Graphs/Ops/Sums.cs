using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>a + b, elementwise, of equal shapes: the residual stream.</summary>
public sealed record Add : Op
{
    /// <inheritdoc/>
    public override bool IsCheap => true;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireFloats(inputs, 1, inputs[0].Shape);
        return [new TensorType(inputs[0].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value dy = gradients.Of(node.Output)!;
        gradients.Add(node.Inputs[0], dy);
        gradients.Add(node.Inputs[1], dy);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0), new SharedBuffer(0, 1)];
}

/// <summary>x [.., width] + bias [width].</summary>
public sealed record AddBias : Op
{
    /// <inheritdoc/>
    public override bool IsCheap => true;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        RequireFloats(inputs, 1, new Shape(inputs[0].Shape[^1]));
        return [new TensorType(inputs[0].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value dy = gradients.Of(node.Output)!;
        Value bias = node.Inputs[1];
        gradients.Add(node.Inputs[0], dy);
        gradients.Accumulate(bias, sum => gradients.Builder.Emit(
            new ColumnSum(sum is not null), "d." + bias.Name, MemoryKind.Gradients, sum is null ? [dy] : [dy, sum])[0]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>Sums the rows of x [.., width] into [width]; an optional second input is added.</summary>
/// <param name="Accumulate">There is a second input.</param>
/// <param name="Squares">Whether squares are summed.</param>
public sealed record ColumnSum(bool Accumulate, bool Squares = false) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, Accumulate ? 2 : 1, Accumulate ? 2 : 1);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        Shape width = new(inputs[0].Shape[^1]);
        if (Accumulate) RequireFloats(inputs, 1, width);
        return [new TensorType(width, DType.F32)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => Accumulate ? [new SharedBuffer(0, 1)] : [];
}

/// <summary>The sum of each row of x [.., width], or of its squares: [rows].</summary>
/// <param name="Squares">Whether squares are summed.</param>
public sealed record RowSum(bool Squares) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        return [new TensorType(new Shape(inputs[0].Shape.Rows), DType.F32)];
    }
}

/// <summary>The sum of squares of all elements, however they are stored, a scalar, in a fixed order of additions.</summary>
public sealed record SumOfSquares : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        if (!inputs[0].DType.IsReal() || inputs[0].DType.IsPlanar()) throw Refuse("takes real numbers that can be read in pieces", inputs);
        return [new TensorType(Shape.Scalar, DType.F32)];
    }
}

/// <summary>The sum of all elements, a scalar, in a fixed order of additions.</summary>
public sealed record Sum : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.F32);
        return [new TensorType(Shape.Scalar, DType.F32)];
    }
}

/// <summary>Converts between floating-point storage types, rounding to nearest even.</summary>
/// <param name="Type">The type of the result.</param>
public sealed record Cast(DType Type) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        if (!inputs[0].DType.IsFloating() || !Type.IsFloating()) throw Refuse("converts floating-point types only", inputs);
        return [new TensorType(inputs[0].Shape, Type)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value x = node.Inputs[0], dy = gradients.Of(node.Output)!;
        gradients.Add(x, dy.DType == DType.F32 ? dy : gradients.Builder.Cast(dy, DType.F32, "d." + x.Name));
    }
}

/// <summary>Sets a persistent value to a constant.</summary>
/// <param name="Constant">The value of every element.</param>
public sealed record Fill(float Constant) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.F32);
        return [];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<int> AssignedInputs(Node node) => [0];
}

/// <summary>Sums and conversions in a graph under construction.</summary>
public static class SumBuilding
{
    /// <summary>a + b.</summary>
    public static Value Add(this GraphBuilder builder, Value a, Value b, string name = "sum", MemoryKind kind = MemoryKind.Activations) =>
        builder.Emit(new Add(), name, kind, a, b)[0];

    /// <summary>x + bias, for each row.</summary>
    public static Value AddBias(this GraphBuilder builder, Value x, Value bias, string name = "biased") =>
        builder.Emit(new AddBias(), name, MemoryKind.Activations, x, bias)[0];

    /// <summary>Σ x².</summary>
    public static Value SumOfSquares(this GraphBuilder builder, Value x, string name) =>
        builder.Emit(new SumOfSquares(), name, MemoryKind.Workspace, x)[0];

    /// <summary>Σ x.</summary>
    public static Value Sum(this GraphBuilder builder, Value x, string name) =>
        builder.Emit(new Sum(), name, MemoryKind.Workspace, x)[0];

    /// <summary>Σ x of each row of <paramref name="x"/>: [rows].</summary>
    public static Value RowSum(this GraphBuilder builder, Value x, string name) =>
        builder.Emit(new RowSum(Squares: false), name, MemoryKind.Workspace, x)[0];

    /// <summary>Σ x² of each row of <paramref name="x"/>: [rows].</summary>
    public static Value RowSquares(this GraphBuilder builder, Value x, string name) =>
        builder.Emit(new RowSum(Squares: true), name, MemoryKind.Workspace, x)[0];

    /// <summary>Σ x² of each column of <paramref name="x"/>: [width].</summary>
    public static Value ColumnSquares(this GraphBuilder builder, Value x, string name) =>
        builder.Emit(new ColumnSum(Accumulate: false, Squares: true), name, MemoryKind.Workspace, x)[0];

    /// <summary>x stored as another type.</summary>
    public static Value Cast(this GraphBuilder builder, Value x, DType type, string name) => builder.Emit(new Cast(type), name, x.Kind, x)[0];
}
