using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Reference;

/// <summary>What waits in slots, or as the largest of each row.</summary>
internal static class SlotReference
{
    /// <summary>Computes the outputs of a node from its inputs.</summary>
    public static double[][] Evaluate(Node node, double[][] x) => node.Op switch
    {
        EmptySlots op => [new double[op.Bytes], [0]],
        StoreInSlot => Store(x, node.Inputs[2].DType),
        LoadFromSlot op => [Load(x, op)],
        KeepLargest op => KeepLargest(x, (int)node.Inputs[0].Shape[^1], op.Count),
        PlaceLargest op => [PlaceLargest(x, (int)op.Target[^1], (int)node.Inputs[0].Shape[^1])],
        _ => throw new NotSupportedException($"{node.Op.Name} has no definition in {nameof(SlotReference)}"),
    };

    // Slots, byte by byte, and their end.
    private static double[][] Store(double[][] x, DType type)
    {
        double[] slots = [.. x[0]];
        int start = (int)x[1][0];
        if (x.Skip(3).All(static flag => flag[0] == 0)) return [slots, [start]];
        byte[] bytes = Storage.Encode(x[2], type);
        for (int i = 0; i < bytes.Length; i++) slots[start + i] = bytes[i];
        return [slots, [start + bytes.Length]];
    }

    // What a slot holds, or what is there otherwise.
    private static double[] Load(double[][] x, LoadFromSlot op)
    {
        if (x[1][0] == x[2][0]) return x.Length > 3 ? [.. x[3]] : new double[op.Target.Elements];
        return Storage.Decode([.. x[0][(int)x[1][0]..(int)x[2][0]].Select(static v => (byte)v)], op.Type);
    }

    // Elements and columns of those farthest from the mean.
    private static double[][] KeepLargest(double[][] x, int width, int count)
    {
        int[][] columns = [.. x[0].Chunk(width).Select((row, r) => Enumerable.Range(0, width).OrderByDescending(i => Math.Abs(row[i] - (x.Length > 1 ? x[1][r] : 0))).Take(count).Order().ToArray())];
        return [[.. columns.SelectMany((c, r) => c.Select(i => x[0][(r * width) + i]))], [.. columns.SelectMany(static c => c.Select(static i => (double)i))]];
    }

    // Rows of means with elements in their columns.
    private static double[] PlaceLargest(double[][] x, int width, int count)
    {
        double[] rows = [.. Enumerable.Range(0, x[0].Length / count * width).Select(i => x.Length > 2 ? x[2][i / width] : 0)];
        for (int i = 0; i < x[0].Length; i++) rows[(i / count * width) + (int)x[1][i]] = x[0][i];
        return rows;
    }
}
