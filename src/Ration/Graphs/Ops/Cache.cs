using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Writes rows into a cache from a given row on: cache [1, capacity, channels], new rows [1, n, channels], first row (I32 [1]) → the
/// cache, in place. Rows beyond the capacity are dropped.
/// </summary>
public sealed record AppendToCache : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 3, 3);
        Shape cache = inputs[0].Shape;
        if (inputs[0].Role != ValueRole.Persistent || inputs[0].Kind != MemoryKind.KvCache || cache.Rank != 3 || cache[0] != 1 || inputs[0].DType != DType.F32)
            throw Refuse("the first input must be a cache of one row of tokens in F32", inputs);
        RequireRank(inputs, 1, 3);
        RequireFloats(inputs, 1, new Shape(cache[0], inputs[1].Shape[1], cache[2]));
        RequireType(inputs, 2, DType.I32);
        RequireShape(inputs, 2, new Shape(1));
        return [new TensorType(cache, inputs[0].DType)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => new(0, 2.0 * node.Inputs[1].Bytes);
}

/// <summary>One row of a matrix: x [.., width] and its number (I32 [1]) → [1, width].</summary>
public sealed record SelectRow : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        RequireType(inputs, 1, DType.I32);
        RequireShape(inputs, 1, new Shape(1));
        return [new TensorType(new Shape(1, inputs[0].Shape[^1]), DType.F32)];
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => new(0, 2.0 * node.Output.Bytes);
}

/// <summary>What generation adds to a graph under construction.</summary>
public static class CacheBuilding
{
    /// <summary>The cache after <paramref name="rows"/> were written into it from row <paramref name="first"/> on.</summary>
    public static Value AppendToCache(this GraphBuilder builder, Value cache, Value rows, Value first) =>
        builder.Emit(new AppendToCache(), cache.Name + ".grown", MemoryKind.KvCache, cache, rows, first)[0];

    /// <summary>Row number <paramref name="index"/> of <paramref name="x"/>.</summary>
    public static Value SelectRow(this GraphBuilder builder, Value x, Value index, string name = "row") =>
        builder.Emit(new SelectRow(), name, MemoryKind.Activations, x, index)[0];
}
