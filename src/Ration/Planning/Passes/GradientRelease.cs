using Ration.Graphs;

namespace Ration.Planning.Passes;

/// <summary>
/// Runs each update as soon as its gradient is complete and nobody reads the old parameter any more, so that the gradient's bytes are
/// free for the next one (Lv et al. 2023, "Full Parameter Fine-tuning for Large Language Models with Limited Resources", LOMO). An
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

        List<(int At, int Order, Node Node)> placed = [];
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            Node node = graph.Nodes[i];
            int at = i;
            if (node.Pass == Pass.Update)
            {
                at = node.Inputs.Where(static v => v.Role == ValueRole.Computed).Select(v => definedAt[v.Id]).DefaultIfEmpty(i).Max();
                foreach (int assigned in node.Op.AssignedInputs(node)) at = Math.Max(at, lastReadAt[node.Inputs[assigned].Id]);
                foreach (Value output in node.Outputs) definedAt[output.Id] = at;
            }

            placed.Add((at, i, node));
        }

        return graph with { Nodes = [.. placed.OrderBy(static p => (p.Node.Phase, p.At, p.Node.Pass == Pass.Update, p.Order)).Select(static p => p.Node)] };
    }
}
