using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Writes tokens into a cache: cache [rows, capacity, channels] in F32, F16, BF16 or Q8_0, new tokens [rows, n, channels], and where each
/// goes (I32 [rows, n]) → the cache, in place. A token whose place is negative or beyond the capacity is dropped; what a format cannot hold
/// is stored as its greatest number, NaN among it; F32 holds everything.
/// </summary>
/// <param name="Ring">Whether places are taken modulo the capacity, so that late tokens overwrite early ones.</param>
public sealed record AppendToCache(bool Ring = false) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 3, 3);
        Value cache = inputs[0];
        if (cache.Role != ValueRole.Persistent || cache.Kind != MemoryKind.KvCache || cache.Shape.Rank != 3 || !CanCache(cache.DType) || !cache.DType.CanStore(cache.Shape))
            throw Refuse("the first input must be a cache [rows, capacity, channels] in F32, F16, BF16 or Q8_0", inputs);
        RequireRank(inputs, 1, 3);
        RequireFloats(inputs, 1, new Shape(cache.Shape[0], inputs[1].Shape[1], cache.Shape[2]));
        RequireType(inputs, 2, DType.I32);
        RequireShape(inputs, 2, new Shape(cache.Shape[0], inputs[1].Shape[1]));
        return [new TensorType(cache.Shape, cache.DType)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => new(0, node.Inputs[1].Bytes + node.Inputs[0].DType.Bytes(node.Inputs[1].Shape));

    /// <summary>Whether keys and values can be kept so.</summary>
    internal static bool CanCache(DType type) => type is DType.F32 or DType.F16 or DType.BF16 or DType.Q8_0;
}

/// <summary>One token of each row: x [rows, n, width] and its number (I32 [rows]) → [rows, width].</summary>
public sealed record SelectToken : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        if (inputs[0].Shape.Rank != 3) throw Refuse("input 0 must be [rows, tokens, width]", inputs);
        RequireType(inputs, 1, DType.I32);
        RequireShape(inputs, 1, new Shape(inputs[0].Shape[0]));
        return [new TensorType(new Shape(inputs[0].Shape[0], inputs[0].Shape[2]), DType.F32)];
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => new(0, 2.0 * node.Output.Bytes);
}

/// <summary>What generation adds to a graph under construction.</summary>
public static class CacheBuilding
{
    /// <summary>The cache after <paramref name="tokens"/> were written into it at <paramref name="places"/>.</summary>
    public static Value AppendToCache(this GraphBuilder builder, Value cache, Value tokens, Value places, bool ring = false) =>
        builder.Emit(new AppendToCache(ring), cache.Name + ".grown", MemoryKind.KvCache, cache, tokens, places)[0];

    /// <summary>Token number <paramref name="index"/> of each row of <paramref name="x"/>.</summary>
    public static Value SelectToken(this GraphBuilder builder, Value x, Value index, string name = "token") =>
        builder.Emit(new SelectToken(), name, MemoryKind.Activations, x, index)[0];
}
