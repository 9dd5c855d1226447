using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Grouped-query attention, softmax(scale · q·kᵀ)·v, computed tile by tile (FlashAttention-2, Dao 2023): memory grows with the length,
/// never with its square. Inputs q [rows, queries, heads · d], k and v [rows, keys, kvHeads · d], and key ranges (I32
/// [rows, queries, 2]): the first and last key of its row that a query may see, both inclusive. Causal masks, packed documents and
/// caches are all such ranges. Caches may be stored in F16, BF16 or, where heads are whole blocks, Q8_0.
/// Outputs: the result, as q, and the log-sum-exp of each query [rows, heads, queries].
/// </summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KvHeads">Key and value heads; divides <paramref name="Heads"/>.</param>
/// <param name="Scale">Factor on scores, usually 1/√d.</param>
/// <param name="Window">If not 0, a query sees at most this many keys up to its last.</param>
/// <param name="SoftCap">If not 0, scores s become cap · tanh(s / cap) (Gemma 2).</param>
public sealed record Attention(int Heads, int KvHeads, float Scale, int Window = 0, float SoftCap = 0) : Op
{
    /// <summary>The capacity of a cache that goes round is a multiple of this.</summary>
    internal const int RingMultiple = 128;

    /// <summary>Whether k and v are caches that go round: key number i lies in row i modulo their capacity.</summary>
    internal bool Ring { get; init; }

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 4, 4);
        RequireType(inputs, 0, DType.F32);
        RequireType(inputs, 2, inputs[1].DType);
        for (int i = 0; i < 3; i++)
        {
            if (inputs[i].Shape.Rank != 3) throw Refuse($"input {i} must be [rows, tokens, channels]", inputs);
        }

        Shape q = inputs[0].Shape, k = inputs[1].Shape;
        if (Heads <= 0 || KvHeads <= 0 || Heads % KvHeads != 0) throw Refuse($"{Heads} heads cannot share {KvHeads} key-value heads", inputs);
        if (q[2] % Heads != 0 || k[2] != q[2] / Heads * KvHeads || k[0] != q[0]) throw Refuse("q and k do not fit the heads", inputs);
        bool cached = inputs[1].Kind == MemoryKind.KvCache && AppendToCache.CanCache(inputs[1].DType);
        if (inputs[1].DType != DType.F32 && !cached) throw Refuse("k and v must be F32, or caches in F16, BF16 or Q8_0", inputs);
        if (q[2] / Heads % inputs[1].DType.BlockElements() != 0) throw Refuse($"heads of {q[2] / Heads} channels are no whole blocks of {inputs[1].DType}", inputs);
        if (Ring && (!cached || Window == 0 || k[1] % RingMultiple != 0 || k[1] < Window + q[1] - 1))
            throw Refuse($"keys that go round need a window, and a cache of a multiple of {RingMultiple} rows that holds it and the queries", inputs);
        RequireShape(inputs, 2, k);
        RequireType(inputs, 3, DType.I32);
        RequireShape(inputs, 3, new Shape(q[0], q[1], 2));
        return [new TensorType(q, DType.F32), new TensorType(new Shape(q[0], Heads, q[1]), DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        IReadOnlyList<Value> x = node.Inputs;
        if (x[1].Kind == MemoryKind.KvCache) throw Refuse("there is no gradient through a cache", x);
        IReadOnlyList<Value> outputs = gradients.Builder.EmitTyped(
            new AttentionGradient(this), [gradients.Of(node.Outputs[0])!, x[0], x[1], x[2], x[3], node.Outputs[0], node.Outputs[1]],
            ("d." + x[0].Name, MemoryKind.Activations), ("d." + x[1].Name, MemoryKind.Activations), ("d." + x[2].Name, MemoryKind.Activations));
        for (int i = 0; i < 3; i++) gradients.Add(x[i], outputs[i]);
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => base.Cost(node) with { Flops = 4 * PairsTimesChannels(node.Inputs[0], node.Inputs[1]) };

    // Query-key pairs times channels, counting half of a square for the causal mask.
    internal double PairsTimesChannels(Value q, Value k)
    {
        double keys = k.Shape[1], queries = q.Shape[1];
        double seen = queries == keys ? (keys + 1) / 2 : keys;
        if (Window > 0) seen = Math.Min(seen, Window);
        return q.Shape.Elements * seen;
    }
}

/// <summary>Gradient of <see cref="Attention"/>: dy, q, k, v, key ranges, y, log-sum-exp → dq, dk, dv. Scores are computed again, tile by tile.</summary>
/// <param name="Forward">The attention.</param>
public sealed record AttentionGradient(Attention Forward) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 7, 7);
        TensorType[] outputs = Forward.InferOutputs([inputs[1], inputs[2], inputs[3], inputs[4]]);
        RequireFloats(inputs, 0, outputs[0].Shape);
        RequireFloats(inputs, 5, outputs[0].Shape);
        RequireFloats(inputs, 6, outputs[1].Shape);
        return [new TensorType(inputs[1].Shape, DType.F32), new TensorType(inputs[2].Shape, DType.F32), new TensorType(inputs[3].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => base.Cost(node) with { Flops = 10 * Forward.PairsTimesChannels(node.Inputs[1], node.Inputs[2]) };
}

/// <summary>Attention in a graph under construction.</summary>
public static class AttentionBuilding
{
    /// <summary>Attention of q over k and v within the key ranges.</summary>
    public static Value Attention(this GraphBuilder builder, Attention op, Value q, Value k, Value v, Value keyRanges, string name = "attention") =>
        builder.Emit(op, name, MemoryKind.Activations, q, k, v, keyRanges)[0];
}
