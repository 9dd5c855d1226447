using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Planning.Passes;

/// <summary>
/// Keeps the matrices of a model's first blocks out of memory: each is read from the files just before its first use in a step, and its bytes are
/// free after its last (offloading to disk, as in Sheng et al. 2023, "FlexGen"). The numbers stay the same. Of such a block its vectors stay in
/// memory, and for a moment the matrix at work.
/// </summary>
/// <param name="blocks">How many blocks are read so, from the first on.</param>
public sealed class StreamedWeights(int blocks) : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        if (blocks == 0) return graph;
        GraphEditor editor = new(graph);
        HashSet<int> streamed = [.. graph.Persistent.Where(IsStreamed).Select(static v => v.Id)];
        Dictionary<int, Value> read = [];
        foreach (Node node in graph.Nodes)
        {
            foreach (Value weight in node.Inputs.Where(v => streamed.Contains(v.Id) && !read.ContainsKey(v.Id)))
            {
                TensorType type = new(weight.Shape, weight.DType, weight.Layout);
                read[weight.Id] = editor.Emit(new ReadWeight(type), [], node, node.Pass, (weight.Name, MemoryKind.Weights))[0];
            }

            editor.Nodes.Add(node with { Inputs = [.. node.Inputs.Select(v => read.GetValueOrDefault(v.Id, v))] });
        }

        Graph result = editor.Build();
        return result with { Persistent = [.. result.Persistent.Where(v => !streamed.Contains(v.Id))] };
    }

    private bool IsStreamed(Value value) => value is { Kind: MemoryKind.Weights, Shape.Rank: >= 2, Block: { } part } && part.Number < blocks;
}
