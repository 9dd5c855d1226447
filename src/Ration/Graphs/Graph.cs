using System.Text;

namespace Ration.Graphs;

/// <summary>
/// Nodes in the order in which they run. Immutable: a pass makes a new graph. Every computed value is defined once, before its uses;
/// persistent values are changed only by nodes that say so (<see cref="Op.AssignedInputs"/>).
/// </summary>
/// <param name="Nodes">In execution order.</param>
/// <param name="Persistent">Values that outlive a step, in the order of their declaration.</param>
/// <param name="Inputs">Values the host writes.</param>
/// <param name="Outputs">Computed values the host reads; they live to the end of their phase.</param>
/// <param name="NextValueId">The first unused value number.</param>
public sealed record Graph(
    IReadOnlyList<Node> Nodes, IReadOnlyList<Value> Persistent, IReadOnlyList<Value> Inputs, IReadOnlyList<Value> Outputs, int NextValueId)
{
    /// <summary>How often the repeated phase runs in a step: the number of micro-batches.</summary>
    public int Repetitions { get; init; } = 1;

    /// <summary>For each value number, the node that defines it, or null for inputs and persistent values.</summary>
    public Node?[] Definitions()
    {
        var definitions = new Node?[NextValueId];
        foreach (Node node in Nodes)
        {
            foreach (Value output in node.Outputs) definitions[output.Id] = node;
        }

        return definitions;
    }

    /// <summary>All nodes, a line each, with a heading for each scope: for people and for golden tests.</summary>
    public string Dump()
    {
        StringBuilder text = new();
        foreach (Value value in Persistent) text.Append("persistent ").Append(value).Append(value.Trainable ? " trainable\n" : "\n");
        foreach (Value value in Inputs) text.Append("input ").Append(value).Append('\n');
        (string, Pass, Phase)? heading = null;
        foreach (Node node in Nodes)
        {
            if (heading != (node.Scope, node.Pass, node.Phase)) text.Append($"{node.Phase}/{node.Pass} {node.Scope}:\n");
            heading = (node.Scope, node.Pass, node.Phase);
            text.Append("    ").Append(node).Append('\n');
        }

        return text.Append("outputs ").AppendJoin(", ", Outputs).Append('\n').ToString();
    }
}

/// <summary>A rewriting of a graph that keeps its meaning.</summary>
public interface IGraphPass
{
    /// <summary>The rewritten graph; the given one is left as it is.</summary>
    Graph Apply(Graph graph);
}
