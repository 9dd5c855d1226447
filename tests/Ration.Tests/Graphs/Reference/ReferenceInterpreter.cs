using Ration.Graphs;
using Ration.Memory;

namespace Ration.Tests.Graphs.Reference;

/// <summary>
/// What a graph means: every node by its plain definition in double precision, in the order of the graph, each value with memory of
/// its own. Only persistent sums and caches are changed by what is added to them, as on a device.
/// </summary>
internal sealed class ReferenceInterpreter
{
    private readonly Dictionary<int, double[]> _values = [];
    private readonly HashSet<double[]> _persistentSums = new(ReferenceEqualityComparer.Instance);

    /// <summary>The elements of a value.</summary>
    public double[] this[Value value] =>
        _values.TryGetValue(value.Id, out double[]? elements) ? elements : throw new InvalidOperationException($"{value} has no elements yet");

    /// <summary>Sets an input or a persistent value; the elements are copied.</summary>
    public void Set(Value value, IReadOnlyList<double> elements)
    {
        if (elements.Count != value.Shape.Elements) throw new ArgumentException($"{value} has not {elements.Count} elements", nameof(elements));
        _values[value.Id] = [.. elements];
    }

    /// <summary>Runs nodes in their order.</summary>
    public void Run(IEnumerable<Node> nodes)
    {
        foreach (Node node in nodes)
        {
            double[][] inputs = [.. node.Inputs.Select(v => this[v])];
            double[][] outputs = ReferenceOps.Evaluate(node, inputs);
            if (outputs.Length != node.Outputs.Count) throw new InvalidOperationException($"{node} yields {outputs.Length} results");
            for (int i = 0; i < outputs.Length; i++) Define(node, i, inputs, outputs[i]);
        }
    }

    private void Define(Node node, int output, double[][] inputs, double[] result)
    {
        Value value = node.Outputs[output];
        if (result.Length != value.Shape.Elements) throw new InvalidOperationException($"{value} has {result.Length} elements");
        foreach (SharedBuffer pair in node.Op.ShareableBuffers(node).Where(p => p.Output == output))
        {
            double[] sum = inputs[pair.Input];
            if (node.Inputs[pair.Input] is { Role: ValueRole.Persistent, Kind: MemoryKind.Gradients or MemoryKind.KvCache }) _persistentSums.Add(sum);
            if (!_persistentSums.Contains(sum)) continue;
            result.CopyTo(sum, 0);
            result = sum;
            break;
        }

        _values[value.Id] = result;
    }
}
