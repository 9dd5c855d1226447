using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Planning.Passes;

/// <summary>
/// What products and activation functions read waits in fixed point, and its range is fixed too (Ardakani et al. 2023, SlimFit: static activations): 8 bits from
/// −8 in steps of 1/16, and 4 bits from −4 in steps of 1/2 where nothing but the slope of an activation function without a gate is made of it. For models that
/// are trained already. All else stays whole. Where layers stand still, <see cref="InputSlots"/> shortens more: inputs of norms, as the paper does.
/// </summary>
internal sealed class FixedPointStore : IActivationStore
{
    /// <inheritdoc/>
    public IReadOnlyList<Value>? Store(GraphEditor editor, Node definition, Value value, IReadOnlyList<Node> readers)
    {
        if (!readers.All(IsProductOrActivation)) return null;
        // By the bytes of a row the two are told apart: one element is a byte in both.
        ToFixedPoint op = readers.All(static n => n.Op is ActivationGradient) && value.Shape[^1] > 1 ? new(4, 1) : new(8, 4);
        return editor.Emit(op, [value], definition, Pass.Forward, (value.Name + ".fixed", value.Kind));
    }

    /// <inheritdoc/>
    public Value Restore(GraphEditor editor, Node reader, Value value, IReadOnlyList<Value> stored)
    {
        long width = value.Shape[^1];
        bool isShort = stored[0].Shape[^1] != width;
        return editor.Emit(new FromFixedPoint(isShort ? 4 : 8, isShort ? 1 : 4, width), stored, reader, Pass.Backward, (value.Name + ".restored", value.Kind))[0];
    }

    // What is computed again by an activation function counts as read by a product: that is what comes after it.
    private static bool IsProductOrActivation(Node node) => node.Op is AttentionGradient or ActivationGradient or GatedActivationGradient or Activation or GatedActivation
        || node is { Op: MatMul { TransposeA: true }, Output.Kind: MemoryKind.Gradients };
}
