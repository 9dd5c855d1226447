using Ration.Graphs;
using Ration.Memory;

namespace Ration.Planning.Passes;

/// <summary>Declares persistent values of a graph anew, under their numbers, and lets every node read the new ones.</summary>
internal static class PersistentReplacement
{
    /// <summary>The graph with each weight as <paramref name="change"/> gives it.</summary>
    public static Graph OfWeights(Graph graph, Func<Value, Value> change) => Apply(graph, MemoryKind.Weights, change);

    /// <summary>The graph with each value of a kind as <paramref name="change"/> gives it.</summary>
    public static Graph Apply(Graph graph, MemoryKind kind, Func<Value, Value> change)
    {
        Dictionary<int, Value> changed = [];
        foreach (Value value in graph.Persistent.Where(v => v.Kind == kind))
        {
            if (change(value) is var now && now != value) changed[value.Id] = now;
        }

        if (changed.Count == 0) return graph;
        Value Now(Value value) => changed.GetValueOrDefault(value.Id, value);
        Node[] nodes = [.. graph.Nodes.Select(n => n.Inputs.Any(v => changed.ContainsKey(v.Id)) ? n with { Inputs = [.. n.Inputs.Select(Now)] } : n)];
        return graph with { Nodes = nodes, Persistent = [.. graph.Persistent.Select(Now)] };
    }
}
