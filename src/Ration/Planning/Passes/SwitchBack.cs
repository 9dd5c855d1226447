using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Planning.Passes;

/// <summary>
/// Computes the products of blocks' linear layers in bytes, forward and for the gradient of their input, and switches back to floats for the
/// gradient of the weight, whose sums are as long as there are tokens (Wortsman et al. 2023, "Stable and low-precision training for large-scale
/// vision-language models", algorithm 1). The paper has one scale for a row of activations or gradients and one for the whole weight; here every
/// 32 numbers along a row of either factor have their own, as kernels of tiles have it anyway, which is finer. A weight is rounded just before
/// each product, and its bytes are free after it. Routers, which choose, and layers with a side that is no multiple of 32 stay as they are.
/// </summary>
internal sealed class SwitchBack : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        GraphEditor editor = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (node is not { Op: MatMul { TransposeA: false } product, Block: >= 0, Pass: not Pass.Update } || !IsLinearWeight(node.Inputs[1]))
            {
                editor.Nodes.Add(node);
                continue;
            }

            // x·Wᵀ reads W as it is stored; dy·W reads it as (Wᵀ)ᵀ.
            Value weight = node.Inputs[1];
            QuantizeMatrix quantize = new(!product.TransposeB);
            Value rounded = editor.Computed(weight.Name + ".rounded", quantize.InferOutputs([weight])[0], MemoryKind.Workspace);
            editor.Nodes.Add(node with { Op = quantize, Inputs = [weight], Outputs = [rounded] });
            editor.Nodes.Add(node with { Op = product with { TransposeB = true }, Inputs = [node.Inputs[0], rounded, .. node.Inputs.Skip(2)] });
        }

        return editor.Build();
    }

    private static bool IsLinearWeight(Value value) =>
        value.Kind == MemoryKind.Weights && QuantizeMatrix.Accepts(value.Shape, value.DType) && !value.Name.Contains(".router.", StringComparison.Ordinal);
}
