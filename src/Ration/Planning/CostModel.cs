using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Planning;

/// <summary>
/// Predicts how long a step takes. A node of a kind that was measured takes the time of its work; any other the longer of its arithmetic and
/// its memory traffic.
/// </summary>
public sealed class CostModel(MachineRates rates)
{
    // A matrix product of fewer rows than this reads its weights for little work; the factor only orders small micro-batches.
    private const double EfficientRows = 12;
    private const double EfficiencyOfBlocks = 0.5;

    /// <summary>Seconds of a whole step, all micro-batches included.</summary>
    public double Seconds(Graph graph) => graph.Nodes.Sum(node => Seconds(node) * (node.Phase == Phase.Repeat ? graph.Repetitions : 1));

    /// <summary>Seconds of one node.</summary>
    public double Seconds(Node node)
    {
        OpCost cost = node.Op.Cost(node);
        double share = node.Condition?.Share ?? 1;
        if (node.Op is ReadWeight) return share * cost.Bytes / rates.StorageBytesPerSecond;
        if (rates.Measured.Count > 0 && rates.Measured.TryGetValue(ClassOf(node), out WorkTimes? times)) return share * times.Seconds(WorkOf(node, cost));

        // Products with weights in blocks multiply small integers, fast enough to keep up with the memory.
        double efficiency = Efficiency(node);
        if (node.Inputs.Any(static v => v.DType.IsQuantized())) efficiency = Math.Max(efficiency, EfficiencyOfBlocks);
        return share * ((rates.SecondsPerNode * cost.Parts) + Math.Max(cost.Flops / (rates.Flops * efficiency), cost.Bytes / rates.BytesPerSecond));
    }

    /// <summary>The kind of a node: those of one kind take time by their work. The op, what it says of itself, and how its inputs are stored.</summary>
    public static string ClassOf(Node node)
    {
        string types = string.Concat(node.Inputs.Select(static v => v.DType).Where(static t => t is not DType.F32 and not DType.I32).Distinct().Select(static t => " " + t));
        return node.Op.CostClass + types;
    }

    /// <summary>The work of a node: floating-point operations, more for few rows, or bytes where there are none.</summary>
    public static double WorkOf(Node node) => WorkOf(node, node.Op.Cost(node));

    private static double WorkOf(Node node, OpCost cost) => cost.Flops > 0 ? cost.Flops / Efficiency(node) : cost.Bytes;

    private static double Efficiency(Node node)
    {
        // A loss yields a scalar, but its product has the rows of what it reads.
        double rows = node.Outputs.Count > 0 && node.Outputs[0].Shape.Rank > 0 ? node.Outputs[0].Shape.Rows : node.Inputs[0].Shape.Rows;
        return rows / (rows + EfficientRows);
    }
}
