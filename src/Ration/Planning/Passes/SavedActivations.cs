using Ration.Graphs;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Planning.Passes;

/// <summary>A form in which activations wait for the backward pass.</summary>
internal interface IActivationStore
{
    /// <summary>Emits what turns a value into its stored form, or returns null to leave it as it is.</summary>
    /// <param name="editor">Receives the nodes.</param>
    /// <param name="definition">The node that defined the value.</param>
    /// <param name="value">F32, of two dimensions or more.</param>
    /// <param name="readers">The nodes of the backward pass that read it.</param>
    IReadOnlyList<Value>? Store(GraphEditor editor, Node definition, Value value, IReadOnlyList<Node> readers);

    /// <summary>Emits what turns the stored form back into a value of the same shape.</summary>
    /// <param name="editor">Receives the nodes.</param>
    /// <param name="reader">The node of the backward pass that reads it first.</param>
    /// <param name="value">What was stored.</param>
    /// <param name="stored">What <see cref="Store"/> returned.</param>
    Value Restore(GraphEditor editor, Node reader, Value value, IReadOnlyList<Value> stored);
}

/// <summary>
/// Lets activations wait for the backward pass in another form: each is stored where the forward pass reads it last, and restored where the
/// backward pass, or what it computes again, reads it first. In between only the stored form lives. The forward pass sees what it computed.
/// Statistics that go with a result (an inverse root of each row, a log-sum-exp) are few and stay as they are.
/// </summary>
/// <param name="store">The form.</param>
internal sealed class SavedActivations(IActivationStore store) : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        GraphEditor editor = new(graph);
        ILookup<int, Saved> storeBefore = Find(graph).ToLookup(static s => s.StoreBefore);
        Dictionary<int, (Saved Saved, IReadOnlyList<Value> Stored)> stored = [];
        Dictionary<int, Value> restored = [];
        int sweep = 0;
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            foreach (Saved saved in storeBefore[i])
            {
                if (store.Store(editor, saved.Definition, saved.Value, saved.Readers) is { } form) stored[saved.Value.Id] = (saved, form);
            }

            Node node = graph.Nodes[i];

            // What was restored for one backward pass is not kept for the next.
            if (node.Sweep != sweep) restored.Clear();
            sweep = node.Sweep;
            if (node.Pass != Pass.Forward) node = node with { Inputs = [.. node.Inputs.Select(v => Restored(v, node))] };
            editor.Nodes.Add(node);
        }

        return editor.Build();

        Value Restored(Value value, Node reader)
        {
            if (restored.TryGetValue(value.Id, out Value? known)) return known;
            return stored.TryGetValue(value.Id, out var form) ? restored[value.Id] = store.Restore(editor, reader, value, form.Stored) : value;
        }
    }

    // Stored just before its last reader in the forward pass, which may then overwrite it. What is read again at once is not worth storing.
    private static IEnumerable<Saved> Find(Graph graph)
    {
        int[] lastForward = new int[graph.NextValueId], firstBackward = new int[graph.NextValueId];
        var readers = new List<Node>?[graph.NextValueId];
        Array.Fill(lastForward, -1);
        Array.Fill(firstBackward, -1);
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            foreach (Value input in graph.Nodes[i].Inputs)
            {
                if (graph.Nodes[i].Pass == Pass.Forward) lastForward[input.Id] = i;
                else
                {
                    if (firstBackward[input.Id] < 0) firstBackward[input.Id] = i;
                    (readers[input.Id] ??= []).Add(graph.Nodes[i]);
                }
            }
        }

        HashSet<int> outputs = [.. graph.Outputs.Select(static v => v.Id)];
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            Node node = graph.Nodes[i];
            if (node.Pass != Pass.Forward || node.Outputs.Count == 0) continue;
            Value value = node.Outputs[0];
            bool isRead = lastForward[value.Id] > i;
            int last = isRead ? lastForward[value.Id] : i;
            if (value is not { DType: DType.F32, Shape.Rank: >= 2, Kind: MemoryKind.Activations } || outputs.Contains(value.Id)) continue;
            if (firstBackward[value.Id] > last + 1) yield return new Saved(value, node, isRead ? last : i + 1, readers[value.Id]!);
        }
    }

    private sealed record Saved(Value Value, Node Definition, int StoreBefore, IReadOnlyList<Node> Readers);
}
