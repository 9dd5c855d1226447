using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Planning.Passes;

/// <summary>
/// Stores optimizer state in fewer bits: state in F32 that only formulas read and assign, element by element. What products read besides (a
/// projection, say) is held in BF16, and what norms read stays as it is. Of small tensors, and where the format has blocks of embedding tables
/// and of tensors that are no whole blocks, state stays in F32.
/// </summary>
/// <param name="format">The format.</param>
public sealed class StateStorage(StateFormat format) : IGraphPass
{
    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        if (format == StateFormat.F32) return graph;
        HashSet<int> refused = [], multiplied = [];
        HashSet<string> tables = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is Embedding) tables.Add(node.Inputs[0].Name);
            ElementwiseProgram? program = (node.Op as FusedElementwise)?.Program;
            for (int i = 0; i < node.Inputs.Count; i++)
            {
                if (node.Op is MatMul) multiplied.Add(node.Inputs[i].Id);
                else if (program is null || i >= program.Spreads.Count || program.Spreads[i] != Spread.None) refused.Add(node.Inputs[i].Id);
            }

            if (node.Condition is { } condition) refused.UnionWith(condition.All.Select(static c => c.Scalar.Id));
        }

        return PersistentReplacement.Apply(graph, MemoryKind.OptimizerState, state => state.DType != DType.F32 || refused.Contains(state.Id)
            ? state
            : state with { DType = (multiplied.Contains(state.Id) ? StateFormat.BF16 : format).TypeOf(state, tables.Any(t => state.Name.StartsWith(t + ".", StringComparison.Ordinal))) });
    }
}
