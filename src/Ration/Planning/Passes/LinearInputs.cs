using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Planning.Passes;

/// <summary>What is kept of a linear layer's input to estimate its weight's gradient.</summary>
internal interface ILinearInputStore
{
    /// <summary>Emits what turns an input into its stored form.</summary>
    /// <param name="editor">Receives the nodes.</param>
    /// <param name="definition">The node that defined the input.</param>
    /// <param name="input">[.., width].</param>
    IReadOnlyList<Value> Store(GraphEditor editor, Node definition, Value input);

    /// <summary>The node of a weight's gradient, dyᵀ·x and a running sum where there is one, such that it reads the stored form instead of x.</summary>
    /// <param name="editor">Receives the nodes that it needs before it.</param>
    /// <param name="gradient">A <see cref="MatMul"/> of dy and x.</param>
    /// <param name="stored">What <see cref="Store"/> returned.</param>
    Node Estimate(GraphEditor editor, Node gradient, IReadOnlyList<Value> stored);
}

/// <summary>
/// Lets the weight gradients of linear layers be estimated from less than their inputs. Inputs that the backward pass reads for anything else,
/// as attention reads its result, are kept as they are, because then nothing would be saved.
/// </summary>
/// <param name="store">What is kept.</param>
internal sealed class LinearInputs(ILinearInputStore store) : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        GraphEditor editor = new(graph);
        HashSet<int> estimated = Estimated(graph);
        Dictionary<int, IReadOnlyList<Value>> stored = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Pass == Pass.Forward)
            {
                editor.Nodes.Add(node);
                foreach (Value output in node.Outputs.Where(v => estimated.Contains(v.Id))) stored[output.Id] = store.Store(editor, node, output);
            }
            else editor.Nodes.Add(IsWeightGradient(node) && stored.TryGetValue(node.Inputs[1].Id, out IReadOnlyList<Value>? form) ? store.Estimate(editor, node, form) : node);
        }

        return editor.Build();
    }

    private static bool IsWeightGradient(Node node) => node is { Pass: Pass.Backward, Op: MatMul { TransposeA: true, TransposeB: false }, Output.Kind: MemoryKind.Gradients };

    private static HashSet<int> Estimated(Graph graph)
    {
        HashSet<int> wanted = [], others = [];
        foreach (Node node in graph.Nodes.Where(static n => n.Pass != Pass.Forward))
        {
            for (int i = 0; i < node.Inputs.Count; i++) (i == 1 && IsWeightGradient(node) ? wanted : others).Add(node.Inputs[i].Id);
        }

        wanted.ExceptWith(others);
        wanted.IntersectWith(graph.Nodes.Where(static n => n is { Pass: Pass.Forward, Block: >= 0 }).SelectMany(static n => n.Outputs).Select(static v => v.Id));
        return wanted;
    }
}
