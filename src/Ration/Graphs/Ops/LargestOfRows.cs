using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Of each row of x [.., width] the elements that are farthest from zero or, where there is a second input, from the row's mean [rows]; of equals the first.
/// Outputs the elements [rows, count] and their columns (I32 [rows, count]), in the order of the columns. It is no part of what is differentiated:
/// passes emit it.
/// </summary>
/// <param name="Count">How many of a row, at least 1 and at most all.</param>
public sealed record KeepLargest(int Count) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 2);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        Shape shape = inputs[0].Shape, kept = new(shape.Rows, Count);
        if (Count < 1 || Count > shape[^1]) throw Refuse($"{Count} of {shape[^1]} columns cannot be kept", inputs);
        if (inputs.Count > 1) RequireFloats(inputs, 1, new Shape(shape.Rows));
        return [new TensorType(kept, DType.F32), new TensorType(kept, DType.I32)];
    }
}

/// <summary>
/// Rows with what <see cref="KeepLargest"/> kept in its columns, and zeros elsewhere or, where there is a third input, the row's mean [rows]. Inputs the
/// elements and their columns, which must be those of a row.
/// </summary>
/// <param name="Target">The shape of x.</param>
public sealed record PlaceLargest(Shape Target) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 3);
        RequireType(inputs, 0, DType.F32);
        RequireType(inputs, 1, DType.I32);
        RequireShape(inputs, 1, inputs[0].Shape);
        if (Target.Rank == 0 || inputs[0].Shape.Rank != 2 || inputs[0].Shape[0] != Target.Rows || inputs[0].Shape[1] > Target[^1]) throw Refuse($"these are not of rows of {Target}", inputs);
        if (inputs.Count > 2) RequireFloats(inputs, 2, new Shape(Target.Rows));
        return [new TensorType(Target, DType.F32)];
    }
}
