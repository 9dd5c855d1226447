using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Planning.Passes;

/// <summary>
/// Lets activation functions keep two bits an element for the backward pass instead of their input: the forward pass stays exact, the backward
/// pass takes the slopes of a fitted sum of ReLUs (Yang et al. 2024). It is for functions that stand alone. Of a gated one the
/// backward pass would need the function's value instead of its input, so that nothing is saved beside computing the gate's product again. The
/// paper's other half, norms that share their output with the next product, is <see cref="MemorySharingNorms"/>.
/// </summary>
internal sealed class ApproximateBackpropagation : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        HashSet<int> differentiated = [.. graph.Nodes.Where(static n => n.Op is ActivationGradient).Select(static n => n.Inputs[1].Id)];
        Dictionary<int, Value> codes = [];
        GraphEditor editor = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is Activation activation && node.Pass == Pass.Forward && differentiated.Contains(node.Inputs[0].Id))
            {
                TwoBitActivation op = new(activation.Function);
                Value code = codes[node.Inputs[0].Id] = editor.Computed(node.Output.Name + ".codes", op.InferOutputs(node.Inputs)[1], MemoryKind.Activations);
                editor.Nodes.Add(node with { Op = op, Outputs = [node.Output, code] });
            }
            else if (node.Op is ActivationGradient gradient && codes.TryGetValue(node.Inputs[1].Id, out Value? code))
                editor.Nodes.Add(node with { Op = new TwoBitActivationGradient(gradient.Function), Inputs = [node.Inputs[0], code] });
            else editor.Nodes.Add(node);
        }

        return editor.Build();
    }
}
