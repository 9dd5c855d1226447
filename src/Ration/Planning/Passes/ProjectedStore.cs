using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Planning.Passes;

/// <summary>
/// Of a linear layer's input x only x·P is kept, P a random projection that is drawn again from its seed (Shamshoum et al. 2024, "CompAct: Compressed
/// Activations for Memory-Efficient LLM Training", algorithm 1): rank floats a token. The gradient of the weight is dyᵀ·(x·P)·Pᵀ, without bias
/// because P·Pᵀ is the identity in the mean. The paper leaves out the last factor and lets the optimizer work in the subspace, with one P for many
/// steps: that is the update rule <c>compact</c>. Here the gradient is complete, so that every other rule can take it, and each micro-batch has a P
/// of its own.
/// </summary>
/// <param name="share">Rank in parts of the width, in (0, 1].</param>
internal sealed class ProjectedStore(double share) : ILinearInputStore
{
    /// <inheritdoc/>
    public IReadOnlyList<Value> Store(GraphEditor editor, Node definition, Value input)
    {
        long width = input.Shape[^1];
        GaussianProjection op = new(width, Math.Max(1, (long)Math.Ceiling(share * width)), input.Id);
        Value projection = editor.Emit(op, [editor.RandomKey], definition, Pass.Forward, (input.Name + ".projection", MemoryKind.Workspace))[0];
        return editor.Emit(new MatMul(false, false), [input, projection], definition, Pass.Forward, (input.Name + ".projected", input.Kind));
    }

    /// <inheritdoc/>
    public Node Estimate(GraphEditor editor, Node gradient, IReadOnlyList<Value> stored)
    {
        Value dy = gradient.Inputs[0], x = gradient.Inputs[1], z = stored[0];
        Value small = editor.Emit(new MatMul(true, false), [dy, z], gradient, Pass.Backward, (gradient.Output.Name + ".projected", MemoryKind.Gradients))[0];
        GaussianProjection op = new(x.Shape[^1], z.Shape[^1], x.Id);
        Value projection = editor.Emit(op, [editor.RandomKey], gradient, Pass.Backward, (x.Name + ".projection", MemoryKind.Workspace))[0];
        return gradient with { Op = new MatMul(false, true, gradient.Inputs.Count > 2), Inputs = [small, projection, .. gradient.Inputs.Skip(2)] };
    }
}
