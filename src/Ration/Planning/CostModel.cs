using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Planning;

/// <summary>What a machine does in a second.</summary>
/// <param name="Flops">Floating-point operations of large matrix products.</param>
/// <param name="BytesPerSecond">Bytes read or written by streaming operations.</param>
/// <param name="SecondsPerNode">Cost of starting an operation.</param>
public sealed record MachineRates(double Flops, double BytesPerSecond, double SecondsPerNode)
{
    /// <summary>
    /// Typical of a current core, for ranking plans: choices must not depend on how busy the machine was while it was measured, or a
    /// run could not be repeated bit for bit.
    /// </summary>
    public static MachineRates Nominal => new(100e9, 15e9, 2e-6);
}

/// <summary>Predicts how long a step takes: for each node the longer of its arithmetic and its memory traffic.</summary>
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
        // A loss yields a scalar, but its product has the rows of what it reads.
        double rows = node.Outputs.Count > 0 && node.Outputs[0].Shape.Rank > 0 ? node.Outputs[0].Shape.Rows : node.Inputs[0].Shape.Rows;
        double efficiency = rows / (rows + EfficientRows);

        // Products with weights in blocks multiply small integers, fast enough to keep up with the memory.
        if (node.Inputs.Any(static v => v.DType.IsQuantized())) efficiency = Math.Max(efficiency, EfficiencyOfBlocks);
        double share = node.Condition?.Share ?? 1;
        return share * (rates.SecondsPerNode + Math.Max(cost.Flops / (rates.Flops * efficiency), cost.Bytes / rates.BytesPerSecond));
    }
}
