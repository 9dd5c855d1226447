using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Columns of the orthogonal matrix Q [n, n] of the discrete cosine transform, Q_ij = √(2/n)·cos(π·i·(2j + 1) / 2n), its first row times √½ (the
/// type III of the transform): [n, r] for the numbers [r] of its columns, or all of them without an input.
/// </summary>
/// <param name="Size">n, from 1 to 2²⁴.</param>
public sealed record CosineColumns(long Size) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 0, 1);
        if (Size is < 1 or > 1 << 24) throw Refuse($"a transform of size {Size} is not from 1 to {1 << 24}", inputs);
        if (inputs.Count == 0) return [new TensorType(new Shape(Size, Size), DType.F32)];
        RequireType(inputs, 0, DType.F32);
        if (inputs[0].Shape.Rank != 1) throw Refuse("takes a list of numbers of columns", inputs);
        return [new TensorType(new Shape(Size, inputs[0].Shape[0]), DType.F32)];
    }
}

/// <summary>
/// The places of the largest of x [n], in increasing order: [count] whole numbers, stored as F32. Of equals the first are taken, and NaN is less than
/// all numbers.
/// </summary>
/// <param name="Count">How many, from 1 to n.</param>
public sealed record SelectLargest(long Count) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.F32);
        if (inputs[0].Shape.Rank != 1 || inputs[0].Shape[0] > 1 << 24) throw Refuse($"takes a list of at most {1 << 24} numbers", inputs);
        if (Count < 1 || Count > inputs[0].Shape[0]) throw Refuse($"cannot select {Count} of {inputs[0].Shape[0]}", inputs);
        return [new TensorType(new Shape(Count), DType.F32)];
    }
}

/// <summary>Fixed bases and choices from them in a graph under construction.</summary>
public static class CosineBuilding
{
    /// <summary>The columns of the transform of a size, or all of them.</summary>
    public static Value CosineColumns(this GraphBuilder builder, long size, Value? columns = null, string name = "basis") =>
        builder.Emit(new CosineColumns(size), name, MemoryKind.Workspace, columns is null ? [] : [columns])[0];

    /// <summary>The places of the largest numbers.</summary>
    public static Value SelectLargest(this GraphBuilder builder, Value x, long count, string name = "largest") =>
        builder.Emit(new SelectLargest(count), name, MemoryKind.Workspace, x)[0];
}
