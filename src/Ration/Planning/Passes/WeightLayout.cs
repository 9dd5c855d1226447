using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Planning.Passes;

/// <summary>
/// Puts the rows of quantized weights in the order in which a device multiplies them fastest, where every operation that reads them accepts
/// it. The bytes are the same in number, so a plan is as large as before.
/// </summary>
/// <param name="preferred">The order for a format.</param>
public sealed class WeightLayout(Func<DType, StorageLayout> preferred) : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        HashSet<int> refused = [];
        foreach (Node node in graph.Nodes)
        {
            for (int i = 0; i < node.Inputs.Count; i++)
            {
                if (!node.Op.AcceptsTiles(i)) refused.Add(node.Inputs[i].Id);
            }
        }

        return WeightReplacement.Apply(graph, weight => weight.Shape.Rank != 2 || refused.Contains(weight.Id) ? weight : weight with { Layout = preferred(weight.DType) });
    }
}
