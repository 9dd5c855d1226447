using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Models;
using Ration.Planning.Passes;
using Ration.Tensors;

namespace Ration.Inference;

/// <summary>Graphs of generation: a chunk of tokens of each text goes through the model beside a cache of keys and values.</summary>
public static class GenerationGraph
{
    /// <summary>The output that holds the logits of the chosen token of each text [rows, vocabulary].</summary>
    public const string Logits = "logits";

    /// <summary>The input that says where in the cache each token goes, by its number in its text; −1 for none.</summary>
    public const string Places = "places";

    /// <summary>The input that holds the number, within the chunk, of the token of each text whose logits are wanted.</summary>
    public const string LastToken = "lastToken";

    /// <summary>Traces a chunk.</summary>
    /// <param name="step">What is computed.</param>
    /// <param name="chunk">Tokens of each text, at most <see cref="GenerationStep.LargestChunk"/>.</param>
    public static Graph Build(GenerationStep step, int chunk)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chunk, step.LargestChunk);
        ModelConfiguration configuration = step.Model;
        int[] windows = Windows(configuration);
        GraphBuilder builder = new();
        TransformerModel model = new(builder, configuration, step.Capacity, TrainedWeights.None);
        (Value Keys, Value Values)[] caches = [.. windows.Select((window, layer) => DeclareCache(builder, step, layer, window))];
        ModelInputs inputs = TransformerModel.DeclareInputs(builder, step.Rows, chunk);
        Value places = builder.Input(Places, new Shape(step.Rows, chunk), DType.I32), last = builder.Input(LastToken, new Shape(step.Rows), DType.I32);
        HashSet<int> rings = [];
        Value Append(int layer, Value cache, Value tokens)
        {
            bool ring = RingRows(step, windows[layer]) is not null;
            Value grown = builder.AppendToCache(cache, tokens, places, ring);
            if (ring) rings.Add(grown.Id);
            return grown;
        }

        Value hidden = model.HiddenStates(inputs, (layer, keys, values) => (Append(layer, caches[layer].Keys, keys), Append(layer, caches[layer].Values, values)));
        builder.Output(model.Logits(builder.SelectToken(hidden, last), Logits));
        Graph graph = GoRound(builder.Build(), rings);
        return step.WeightType is null ? graph : new WeightStorage(step.WeightType).Apply(graph);
    }

    /// <summary>The same chunk up to the states that the head reads, which are the only output: [rows, chunk, width].</summary>
    internal static Graph UpToHiddenStates(Graph graph)
    {
        int head = 0;
        while (graph.Nodes[head].Op is not SelectToken) head++;
        return graph with { Nodes = [.. graph.Nodes.Take(head)], Outputs = [graph.Nodes[head].Inputs[0]] };
    }

    /// <summary>
    /// Rows of the cache of a layer with a window, if fewer than the capacity: those that a chunk's queries see, so that tokens before them
    /// are overwritten.
    /// </summary>
    internal static int? RingRows(GenerationStep step, int window)
    {
        if (window == 0) return null;
        long rows = ByteSize.AlignUp((long)window + step.LargestChunk - 1, Attention.RingMultiple);
        return rows < step.Capacity ? (int)rows : null;
    }

    /// <summary>The window of each layer, 0 for none.</summary>
    internal static int[] Windows(ModelConfiguration configuration) => [.. Enumerable.Range(0, configuration.Layers).Select(configuration.WindowOf)];

    private static (Value Keys, Value Values) DeclareCache(GraphBuilder builder, GenerationStep step, int layer, int window)
    {
        Shape shape = new(step.Rows, RingRows(step, window) ?? step.Capacity, (long)step.Model.KvHeads * step.Model.HeadDimension);
        return (
            builder.State($"cache.{layer}.keys", shape, MemoryKind.KvCache, step.CacheType),
            builder.State($"cache.{layer}.values", shape, MemoryKind.KvCache, step.CacheType));
    }

    // Models know nothing of caches that go round; their attentions are told afterwards.
    private static Graph GoRound(Graph graph, HashSet<int> rings) => rings.Count == 0 ? graph : graph with
    {
        Nodes = [.. graph.Nodes.Select(n => n.Op is Attention attention && rings.Contains(n.Inputs[1].Id) ? n with { Op = attention with { Ring = true } } : n)],
    };
}
