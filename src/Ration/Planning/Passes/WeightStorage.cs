using Ration.Graphs;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Planning.Passes;

/// <summary>Stores weights in other formats. Operations read any format that they have a kernel for, so nothing else changes.</summary>
/// <param name="typeOf">The format of a weight, by its name and shape.</param>
public sealed class WeightStorage(Func<string, Shape, DType> typeOf) : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        Dictionary<int, Value> changed = [];
        foreach (Value value in graph.Persistent)
        {
            if (value.Kind == MemoryKind.Weights && typeOf(value.Name, value.Shape) is var type && type != value.DType) changed[value.Id] = value with { DType = type };
        }

        if (changed.Count == 0) return graph;
        Value Now(Value value) => changed.GetValueOrDefault(value.Id, value);
        Node[] nodes = [.. graph.Nodes.Select(n => n.Inputs.Any(v => changed.ContainsKey(v.Id)) ? n with { Inputs = [.. n.Inputs.Select(Now)] } : n)];
        return graph with { Nodes = nodes, Persistent = [.. graph.Persistent.Select(Now)] };
    }
}
