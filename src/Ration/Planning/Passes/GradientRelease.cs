using Ration.Graphs;

namespace Ration.Planning.Passes;

/// <summary>
/// Runs each update, as a whole, as soon as its gradient is complete and nobody reads the old parameter any more, so that the gradient's
/// bytes are free for the next one (Lv et al. 2023, "Full Parameter Fine-tuning for Large Language Models with Limited Resources", LOMO). An
/// update that needs all gradients, as clipping by the global norm does, stays where its last input is defined: at the end.
/// </summary>
public sealed class GradientRelease : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        int[] definedAt = new int[graph.NextValueId], lastReadAt = new int[graph.NextValueId];
        Array.Fill(definedAt, -1);
        Array.Fill(lastReadAt, -1);
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            Node node = graph.Nodes[i];
            if (node.Pass == Pass.Update) continue;
            foreach (Value output in node.Outputs) definedAt[output.Id] = i;
            foreach (Value input in node.Inputs) lastReadAt[input.Id] = i;
        }

        Dictionary<string, int> updateAt = [];
        Dictionary<int, string> updateOf = [];
        foreach (Node node in graph.Nodes.Where(static n => n.Pass == Pass.Update))
        {
            int at = updateAt.GetValueOrDefault(node.Scope, -1);
            foreach (Value input in node.Inputs.Where(static v => v.Role == ValueRole.Computed)) at = Math.Max(at, definedAt[input.Id]);
            foreach (int assigned in node.Op.AssignedInputs(node)) at = Math.Max(at, lastReadAt[node.Inputs[assigned].Id]);
            updateAt[node.Scope] = at;
        }

        // What one update computes may be read by another, as the norm of all gradients is: in the order of the nodes, that is known by then.
        foreach (Node node in graph.Nodes.Where(static n => n.Pass == Pass.Update))
        {
            int at = node.Inputs.Where(v => updateOf.ContainsKey(v.Id)).Select(v => updateAt[updateOf[v.Id]]).Append(updateAt[node.Scope]).Max();
            updateAt[node.Scope] = at;
            foreach (Value output in node.Outputs) updateOf[output.Id] = node.Scope;
        }

        IEnumerable<(int At, int Order, Node Node)> placed = graph.Nodes.Select((node, i) => (node.Pass == Pass.Update ? updateAt[node.Scope] : i, i, node));
        return graph with { Nodes = [.. placed.OrderBy(static p => (p.Node.Phase, p.At, p.Node.Pass == Pass.Update, p.Order)).Select(static p => p.Node)] };
    }
}
