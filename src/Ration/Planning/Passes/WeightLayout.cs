using Ration.Graphs;
using Ration.Tensors;
using Ration.Tensors.Formats;

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

        return PersistentReplacement.OfWeights(graph, weight => !CanLieInTiles(weight.Shape) || refused.Contains(weight.Id) ? weight : weight with { Layout = preferred(weight.DType) });
    }

    // Of stacked matrices each has tiles of its own.
    private static bool CanLieInTiles(Shape shape) => shape.Rank == 2 || (shape.Rank == 3 && shape[1] % TiledRows.Rows == 0);
}
