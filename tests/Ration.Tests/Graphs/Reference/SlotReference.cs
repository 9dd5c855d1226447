using Ration.Graphs;
using Ration.Graphs.Ops;

namespace Ration.Tests.Graphs.Reference;

/// <summary>What waits in slots.</summary>
internal static class SlotReference
{
    /// <summary>Computes the outputs of a node from its inputs.</summary>
    public static double[][] Evaluate(Node node, double[][] x) => node.Op switch
    {
        EmptySlots op => [new double[op.Elements], [0]],
        StoreInSlot => Store(x),
        LoadFromSlot op => [x[1][0] == x[2][0] ? new double[op.Target.Elements] : x[0][(int)x[1][0]..(int)x[2][0]]],
        _ => throw new NotSupportedException($"{node.Op.Name} has no definition in {nameof(SlotReference)}"),
    };

    // Slots, and their end.
    private static double[][] Store(double[][] x)
    {
        double[] slots = [.. x[0]];
        int start = (int)x[1][0];
        if (x.Skip(3).All(static flag => flag[0] == 0)) return [slots, [start]];
        x[2].CopyTo(slots, start);
        return [slots, [start + x[2].Length]];
    }
}
