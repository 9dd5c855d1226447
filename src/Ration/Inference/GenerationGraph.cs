using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Inference;

/// <summary>Graphs of generation: a chunk of tokens goes through the model beside a cache of keys and values.</summary>
public static class GenerationGraph
{
    /// <summary>The output that holds the logits of the chosen token [1, vocabulary].</summary>
    public const string Logits = "logits";

    /// <summary>The input that holds the cache row of the chunk's first token.</summary>
    public const string FirstRow = "firstRow";

    /// <summary>The input that holds the number, within the chunk, of the token whose logits are wanted.</summary>
    public const string LastToken = "lastToken";

    /// <summary>Traces a chunk.</summary>
    /// <param name="configuration">The model.</param>
    /// <param name="chunk">Tokens of the chunk.</param>
    /// <param name="capacity">Rows of the cache: the most tokens of a text.</param>
    public static Graph Build(ModelConfiguration configuration, int chunk, int capacity)
    {
        GraphBuilder builder = new();
        TransformerModel model = new(builder, configuration, capacity, trainable: false);
        Shape cache = new(1, capacity, (long)configuration.KvHeads * configuration.HeadDimension);
        (Value Keys, Value Values)[] caches =
        [
            .. Enumerable.Range(0, configuration.Layers).Select(i =>
                (builder.State($"cache.{i}.keys", cache, MemoryKind.KvCache), builder.State($"cache.{i}.values", cache, MemoryKind.KvCache))),
        ];
        ModelInputs inputs = TransformerModel.DeclareInputs(builder, 1, chunk);
        Value first = builder.Input(FirstRow, new Shape(1), DType.I32), last = builder.Input(LastToken, new Shape(1), DType.I32);
        Value hidden = model.HiddenStates(inputs, (layer, keys, values) => (
            builder.AppendToCache(caches[layer].Keys, keys, first), builder.AppendToCache(caches[layer].Values, values, first)));
        builder.Output(model.Logits(builder.SelectRow(hidden, last), Logits));
        return builder.Build();
    }
}
