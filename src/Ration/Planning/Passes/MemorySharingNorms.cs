using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Planning.Passes;

/// <summary>
/// Lets a norm and the linear layer after it share what they keep for the backward pass (Yang et al. 2024, "Reducing Fine-Tuning Memory Overhead by
/// Approximate and Memory-Sharing Backpropagation", MS-BP): the normalized row n. The gradient of the norm follows from n and the inverse root of the
/// row, so that the norm's input is free. Where the paper merges gain and bias into the linear layer and trains that instead, here they stay
/// parameters of their own, and the layer's input, gain·n + bias, is made again for its gradient. The forward pass is bit for bit the same,
/// gradients are to rounding.
/// </summary>
internal sealed class MemorySharingNorms : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        GraphEditor editor = new(graph);
        HashSet<int> shared = Shared(graph);
        Dictionary<int, Split> byRoot = [], byOutput = [];
        Dictionary<int, Value> again = [];
        int sweep = 0;
        foreach (Node node in graph.Nodes)
        {
            if (node.Pass == Pass.Forward && IsNorm(node) && shared.Contains(node.Output.Id))
            {
                byRoot[node.Outputs[^1].Id] = byOutput[node.Output.Id] = Normalize(editor, node);
                editor.Nodes.Add(node with { Op = byOutput[node.Output.Id].Scale, Inputs = byOutput[node.Output.Id].ScaleInputs, Outputs = [node.Output] });
                continue;
            }

            // What was made again for one backward pass is not kept for the next.
            if (node.Sweep != sweep) again.Clear();
            sweep = node.Sweep;
            editor.Nodes.Add(node.Pass == Pass.Forward ? node : FromOutput(node) ?? node with { Inputs = [.. node.Inputs.Select(v => Again(v, node))] });
        }

        return editor.Build();

        Node? FromOutput(Node node) => node.Op switch
        {
            RmsNormGradient op when byRoot.TryGetValue(node.Inputs[3].Id, out Split? norm) =>
                node with { Op = op with { FromOutput = true }, Inputs = [node.Inputs[0], norm.Normalized, node.Inputs[2], norm.Root, .. node.Inputs.Skip(4)] },
            LayerNormGradient when byRoot.TryGetValue(node.Inputs[4].Id, out Split? norm) =>
                node with { Op = new LayerNormGradient(FromOutput: true), Inputs = [node.Inputs[0], norm.Normalized, node.Inputs[2], norm.Root] },
            _ => null,
        };

        Value Again(Value value, Node reader)
        {
            if (!byOutput.TryGetValue(value.Id, out Split? norm)) return value;
            if (!again.TryGetValue(value.Id, out Value? made)) again[value.Id] = made = editor.Emit(norm.Scale, norm.ScaleInputs, reader, Pass.Backward, (value.Name, value.Kind))[0];
            return made;
        }
    }

    private static bool IsNorm(Node node) => node.Op is RmsNorm or LayerNorm;

    // Results of norms of blocks that the backward pass reads, so that there is something to share.
    private static HashSet<int> Shared(Graph graph)
    {
        HashSet<int> read = [.. graph.Nodes.Where(static n => n.Pass == Pass.Backward).SelectMany(static n => n.Inputs).Select(static v => v.Id)];
        return [.. graph.Nodes.Where(n => n is { Pass: Pass.Forward, Block: >= 0 } && IsNorm(n) && read.Contains(n.Output.Id) && read.Contains(n.Outputs[^1].Id)).Select(static n => n.Output.Id)];
    }

    private static Split Normalize(GraphEditor editor, Node norm)
    {
        (float epsilon, float offset) = norm.Op is RmsNorm rms ? (rms.Epsilon, rms.GainOffset) : (((LayerNorm)norm.Op).Epsilon, 0);
        NormalizeRows op = new(epsilon, norm.Inputs[1].Shape[^1], norm.Op is LayerNorm);
        IReadOnlyList<Value> outputs = editor.Emit(op, [norm.Inputs[0]], norm, Pass.Forward, (norm.Output.Name + ".normalized", MemoryKind.Activations));
        return new Split(outputs[0], outputs[1], new ScaleColumns(offset), [outputs[0], .. norm.Inputs.Skip(1)]);
    }

    private sealed record Split(Value Normalized, Value Root, ScaleColumns Scale, IReadOnlyList<Value> ScaleInputs);
}
