using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>Some columns of x [.., n] side by side: [.., k] for their numbers [k], whole numbers below n that are stored as F32.</summary>
public sealed record SelectColumns : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireType(inputs, 1, DType.F32);
        RequireRank(inputs, 0, 1);
        if (inputs[1].Shape.Rank != 1) throw Refuse("takes a list of numbers of columns", inputs);
        return [new TensorType(inputs[0].Shape.WithInnermost(inputs[1].Shape[0]), DType.F32)];
    }
}

/// <summary>x [.., n] with some of its columns replaced by those of y [.., k]; their numbers [k], all different, are stored as F32.</summary>
public sealed record ReplaceColumns : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 3, 3);
        RequireType(inputs, 0, DType.F32);
        RequireType(inputs, 2, DType.F32);
        RequireRank(inputs, 0, 1);
        if (inputs[2].Shape.Rank != 1) throw Refuse("takes a list of numbers of columns", inputs);
        RequireFloats(inputs, 1, inputs[0].Shape.WithInnermost(inputs[2].Shape[0]));
        return [new TensorType(inputs[0].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>Choices of columns in a graph under construction.</summary>
public static class ColumnBuilding
{
    /// <summary>The columns of <paramref name="x"/> of these numbers.</summary>
    public static Value SelectColumns(this GraphBuilder builder, Value x, Value numbers, string name) =>
        builder.Emit(new SelectColumns(), name, MemoryKind.Workspace, x, numbers)[0];

    /// <summary><paramref name="x"/> with the columns of these numbers replaced by <paramref name="columns"/>.</summary>
    public static Value ReplaceColumns(this GraphBuilder builder, Value x, Value columns, Value numbers, string name) =>
        builder.Emit(new ReplaceColumns(), name, MemoryKind.Workspace, x, columns, numbers)[0];
}
