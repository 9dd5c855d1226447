using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Planning.Passes;

/// <summary>Stores weights in other formats. Operations read any format that they have a kernel for, so nothing else changes.</summary>
/// <param name="typeOf">The format of a weight, by its name and shape.</param>
public sealed class WeightStorage(Func<string, Shape, DType> typeOf) : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph) => PersistentReplacement.OfWeights(graph, weight => weight with { DType = typeOf(weight.Name, weight.Shape) });
}
