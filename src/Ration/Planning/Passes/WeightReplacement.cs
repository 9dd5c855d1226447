using Ration.Graphs;
using Ration.Memory;

namespace Ration.Planning.Passes;

/// <summary>Declares the weights of a graph anew, under their numbers, and lets every node read the new ones.</summary>
internal static class WeightReplacement
{
    /// <summary>The graph with each weight as <paramref name="change"/> gives it.</summary>
    public static Graph Apply(Graph graph, Func<Value, Value> change)
    {
        Dictionary<int, Value> changed = [];
        foreach (Value weight in graph.Persistent.Where(static v => v.Kind == MemoryKind.Weights))
        {
            if (change(weight) is var now && now != weight) changed[weight.Id] = now;
        }

        if (changed.Count == 0) return graph;
        Value Now(Value value) => changed.GetValueOrDefault(value.Id, value);
        Node[] nodes = [.. graph.Nodes.Select(n => n.Inputs.Any(v => changed.ContainsKey(v.Id)) ? n with { Inputs = [.. n.Inputs.Select(Now)] } : n)];
        return graph with { Nodes = nodes, Persistent = [.. graph.Persistent.Select(Now)] };
    }
}
