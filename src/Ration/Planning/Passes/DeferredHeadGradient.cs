using Ration.Graphs;
using Ration.Graphs.Ops;

namespace Ration.Planning.Passes;

/// <summary>When the gradient of the vocabulary's head is computed.</summary>
public enum HeadGradient
{
    /// <summary>With the loss, at the beginning of the backward pass.</summary>
    Early,

    /// <summary>After all blocks: <see cref="DeferredHeadGradient"/>.</summary>
    Late,
}

/// <summary>The words for it.</summary>
public static class HeadGradientExtensions
{
    /// <summary>The word on a command line.</summary>
    public static string Name(this HeadGradient time) => time switch
    {
        HeadGradient.Early => "early",
        HeadGradient.Late => "late",
        _ => throw new ArgumentOutOfRangeException(nameof(time), time, "unknown"),
    };
}

/// <summary>
/// Computes the gradient of the head after all blocks. The loss, at the beginning of the backward pass, makes it along with the gradient of the
/// hidden states, so that vocabulary × width floats meet all that blocks keep; and where embeddings are the head too, they wait for the embedding's
/// part until the end. Here the loss makes the gradient of the hidden states alone, and a node of its own makes the head's when blocks are done, for
/// which it holds the last hidden states and computes logits once more. Results are bit for bit the same.
/// </summary>
public sealed class DeferredHeadGradient : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        Dictionary<int, int> firstReader = [], lastOfSweep = [];
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            Node node = graph.Nodes[i];
            if (node.Pass != Pass.Backward) continue;
            lastOfSweep[node.Sweep] = i;
            foreach (Value input in node.Inputs) firstReader.TryAdd(input.Id, i);
        }

        Dictionary<int, Node> deferred = [];
        List<Node> nodes = [];
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            Node node = graph.Nodes[i];
            if (node.Op is LinearCrossEntropyGradient { NeedsHidden: true, NeedsWeight: true, AccumulateWeight: false, Forward.KeepLogits: false } gradient)
            {
                int before = firstReader.GetValueOrDefault(node.Outputs[1].Id, lastOfSweep[node.Sweep] + 1);
                deferred.Add(before, node with { Op = gradient with { NeedsHidden = false }, Outputs = [node.Outputs[1]] });
                node = node with { Op = gradient with { NeedsWeight = false }, Outputs = [node.Outputs[0]] };
            }

            if (deferred.Remove(i, out Node? head)) nodes.Add(head);
            nodes.Add(node);
        }

        return graph with { Nodes = [.. nodes, .. deferred.Values] };
    }
}
