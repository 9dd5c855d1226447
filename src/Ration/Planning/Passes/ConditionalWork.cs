using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Planning.Passes;

/// <summary>
/// What is read only under conditions is computed only where one of them holds: where a step trains some of the blocks, the products for gradients
/// of the other blocks' weights are left out, and all of the backward pass below the first block that is trained, if nothing there is. Sums of
/// gradients over micro-batches are left out with what reads them.
/// </summary>
public sealed class ConditionalWork : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        if (!graph.Nodes.Any(static n => n.Condition is not null)) return graph;
        var readers = new List<int>?[graph.NextValueId];
        Node[] nodes = [.. graph.Nodes];
        for (int i = 0; i < nodes.Length; i++)
        {
            // To fill a sum is not to read it.
            foreach (Value input in nodes[i].Op is Fill ? [] : nodes[i].Inputs) (readers[input.Id] ??= []).Add(i);
        }

        HashSet<int> outputs = [.. graph.Outputs.Select(static v => v.Id)];
        for (int i = nodes.Length - 1; i >= 0; i--)
        {
            if (nodes[i].Condition is null && WrittenBy(nodes[i], outputs) is { } written && OfReaders(i, written) is { } condition) nodes[i] = nodes[i] with { Condition = condition };
        }

        return graph with { Nodes = nodes };

        NodeCondition? OfReaders(int writer, List<Value> written)
        {
            NodeCondition? any = null;
            foreach (int reader in written.SelectMany(v => readers[v.Id] ?? []).Where(r => r != writer))
            {
                if (nodes[reader].Condition is not { IsOfHost: true } condition) return null;
                any = any is null ? condition : any.Or(condition);
                if (any is null) return null;
            }

            return any;
        }
    }

    // Results and gradient sums that a node writes; null where it writes anything that is kept or that the host reads.
    private static List<Value>? WrittenBy(Node node, HashSet<int> outputs)
    {
        List<Value> written = [.. node.Outputs];
        foreach (int assigned in node.Op.AssignedInputs(node)) written.Add(node.Inputs[assigned]);
        if (written.Exists(v => outputs.Contains(v.Id) || (v.Role == ValueRole.Persistent && v.Kind != MemoryKind.Gradients))) return null;
        foreach (SharedBuffer pair in node.Op.ShareableBuffers(node))
        {
            if (node.Inputs[pair.Input] is { Role: ValueRole.Persistent, Kind: MemoryKind.Gradients } sum) written.Add(sum);
        }

        return written;
    }
}
