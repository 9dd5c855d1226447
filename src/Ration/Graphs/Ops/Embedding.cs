using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>Rows of a table [vocabulary, width] chosen by token ids (I32, any shape of at most three dimensions): ids → [.., width].</summary>
public sealed record Embedding : Op
{
    /// <inheritdoc/>
    public override bool IsCheap => true;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 1, DType.I32);
        if (inputs[0].Shape.Rank != 2 || !inputs[0].DType.IsReal()) throw Refuse("the table must be a matrix of real numbers", inputs);
        Shape ids = inputs[1].Shape;
        long width = inputs[0].Shape[1];
        return ids.Rank switch
        {
            1 => [new TensorType(new Shape(ids[0], width), DType.F32)],
            2 => [new TensorType(new Shape(ids[0], ids[1], width), DType.F32)],
            3 => [new TensorType(new Shape(ids[0], ids[1], ids[2], width), DType.F32)],
            _ => throw Refuse("ids must have one to three dimensions", inputs),
        };
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value dy = gradients.Of(node.Output)!;
        Value table = node.Inputs[0];
        gradients.Accumulate(table, sum => gradients.Builder.Emit(
            new EmbeddingGradient(table.Shape[0], sum is not null), "d." + table.Name, Gradients.KindFor(table),
            sum is null ? [dy, node.Inputs[1]] : [dy, node.Inputs[1], sum])[0]);
    }

    /// <inheritdoc/>
    public override bool AcceptsTiles(int input) => input == 0;

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => new(0, 2.0 * node.Output.Bytes);
}

/// <summary>Sums rows of dy by token id into a table gradient [vocabulary, width]; an optional third input is added.</summary>
/// <param name="Vocabulary">Rows of the table.</param>
/// <param name="Accumulate">A third input is added.</param>
public sealed record EmbeddingGradient(long Vocabulary, bool Accumulate) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, Accumulate ? 3 : 2, Accumulate ? 3 : 2);
        RequireType(inputs, 0, DType.F32);
        RequireType(inputs, 1, DType.I32);
        RequireRank(inputs, 0, 1);
        Shape table = new(Vocabulary, inputs[0].Shape[^1]);
        if (inputs[0].Shape.Rows != inputs[1].Shape.Elements) throw Refuse("one row is needed for each id", inputs);
        if (Accumulate) RequireFloats(inputs, 2, table);
        return [new TensorType(table, DType.F32)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => Accumulate ? [new SharedBuffer(0, 2)] : [];

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => new(0, (Accumulate ? 0.0 : node.Output.Bytes) + (3.0 * node.Inputs[0].Bytes));
}

/// <summary>Embedding look-ups of a graph under construction.</summary>
public static class EmbeddingBuilding
{
    /// <summary>Rows of <paramref name="table"/> for <paramref name="ids"/>.</summary>
    public static Value Embedding(this GraphBuilder builder, Value table, Value ids, string name = "embedding") =>
        builder.Emit(new Embedding(), name, MemoryKind.Activations, table, ids)[0];
}
