using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>Each row of x [.., width] times a number of its own; the second input has one element for each row.</summary>
public sealed record ScaleRows : Op
{
    /// <inheritdoc/>
    public override bool IsCheap => true;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        RequireType(inputs, 1, DType.F32);
        if (inputs[1].Shape.Elements != inputs[0].Shape.Rows) throw Refuse("one factor is needed for each row", inputs);
        return [new TensorType(inputs[0].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value x = node.Inputs[0], factors = node.Inputs[1];
        IReadOnlyList<Value> outputs = gradients.Builder.EmitTyped(
            new ScaleRowsGradient(), [gradients.Of(node.Output)!, x, factors],
            ("d." + x.Name, Gradients.KindFor(x)), ("d." + factors.Name, Gradients.KindFor(factors)));
        gradients.Add(x, outputs[0]);
        gradients.Add(factors, outputs[1]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>Gradient of <see cref="ScaleRows"/>: dy, x, factors → dx and the gradients of the factors.</summary>
public sealed record ScaleRowsGradient : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 3, 3);
        RequireRank(inputs, 1, 1);
        RequireFloats(inputs, 0, inputs[1].Shape);
        RequireFloats(inputs, 1, inputs[1].Shape);
        RequireType(inputs, 2, DType.F32);
        if (inputs[2].Shape.Elements != inputs[1].Shape.Rows) throw Refuse("one factor is needed for each row", inputs);
        return [new TensorType(inputs[1].Shape, DType.F32), new TensorType(inputs[2].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>Scaled rows in a graph under construction.</summary>
public static class ScaleRowsBuilding
{
    /// <summary>Each row of <paramref name="x"/> times its factor.</summary>
    public static Value ScaleRows(this GraphBuilder builder, Value x, Value factors, string name = "scaled") =>
        builder.Emit(new ScaleRows(), name, MemoryKind.Activations, x, factors)[0];
}
