using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Planning.Passes;

/// <summary>
/// Activations wait in 8 bits (Pan et al. 2021, Mesa): a byte an element, and two floats a group that live with it. A group is a head's
/// channels; values of the MLP and of the residual stream are cut into groups as wide. The running estimates of each group's least value and range
/// are state of the run: two floats a group, and they are in the checkpoint.
/// </summary>
internal sealed class MesaStore : IActivationStore
{
    // As in the paper's own code.
    private const float Decay = 0.9f;

    /// <inheritdoc/>
    public IReadOnlyList<Value> Store(GraphEditor editor, Node definition, Value value, IReadOnlyList<Node> readers)
    {
        long width = value.Shape[^1], head = HeadWidth(editor.Source);
        int group = (int)(head > 0 && width % head == 0 ? head : width);
        Value estimates = editor.State($"{definition.Scope}.{value.Name}.range", new Shape(2, width / group), MemoryKind.Activations);
        return editor.Emit(
            new QuantizeActivation(group, Decay, value.Id), [value, estimates, editor.RandomKey], definition, Pass.Forward,
            (value.Name + ".codes", value.Kind), (value.Name + ".scales", value.Kind));
    }

    /// <inheritdoc/>
    public Value Restore(GraphEditor editor, Node reader, Value value, IReadOnlyList<Value> stored) => editor.Emit(
        new DequantizeActivation((int)(value.Shape[^1] / stored[1].Shape[^1])), stored, reader, Pass.Backward, (value.Name + ".restored", value.Kind))[0];

    private static long HeadWidth(Graph graph)
    {
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is Attention attention) return node.Inputs[0].Shape[^1] / attention.Heads;
        }

        return 0;
    }
}
