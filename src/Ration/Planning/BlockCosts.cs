using Ration.Devices;
using Ration.Graphs;
using Ration.Memory;

namespace Ration.Planning;

/// <summary>What a segment of blocks takes when it is computed again in one way.</summary>
/// <param name="Kept">Bytes that live from its forward pass to its backward pass.</param>
/// <param name="Working">The most bytes alive in its passes besides what the blocks before it keep.</param>
/// <param name="Seconds">Time of its passes.</param>
internal readonly record struct SegmentCost(long Kept, long Working, double Seconds);

/// <summary>
/// What each block of an arranged step takes, read from the buffers that its placement will place: so the sums over blocks are the bytes that
/// a plan will have, not an estimate of them.
/// </summary>
internal sealed class BlockCosts
{
    private readonly long[] _kept;
    private readonly long[] _working;
    private readonly double[] _seconds;

    /// <summary>Measures an arranged step.</summary>
    public BlockCosts(Graph graph, IDevice device, CostModel cost, int blocks)
    {
        (_kept, _working, _seconds) = (new long[blocks], new long[blocks], new double[blocks]);
        Buffers buffers = Buffers.Assign(graph, device.WorkspaceBytes);
        long[] live = Placement.LiveBytes(buffers.Transient);
        MeasureKept(graph, buffers);
        MeasureLive(graph, live);
        foreach (Node node in graph.Nodes.Where(static n => n.Block >= 0)) _seconds[node.Block] += cost.Seconds(node);
    }

    /// <summary>The most bytes alive between the last block's forward and its backward pass besides what blocks keep: the head's.</summary>
    public long Head { get; private set; }

    /// <summary>The most bytes alive before the first block and after the backward pass of all.</summary>
    public long Outside { get; private set; }

    /// <summary>The costs of blocks that are computed again together.</summary>
    public SegmentCost this[int first, int count]
    {
        get
        {
            SegmentCost sum = new(0, 0, 0);
            for (int i = first; i < first + count; i++) sum = new SegmentCost(sum.Kept + _kept[i], Math.Max(sum.Working, sum.Kept + _working[i]), sum.Seconds + _seconds[i]);
            return sum;
        }
    }

    // What is defined by a block's forward pass and still alive when the backward pass begins.
    private void MeasureKept(Graph graph, Buffers buffers)
    {
        int backward = 0;
        while (backward < graph.Nodes.Count && graph.Nodes[backward].Pass == Pass.Forward) backward++;
        Dictionary<int, int> owner = [];
        for (int i = 0; i < backward; i++)
        {
            foreach (int buffer in graph.Nodes[i].Outputs.Select(v => buffers[v]).Where(static b => b >= 0)) owner[buffer] = graph.Nodes[i].Block;
        }

        foreach ((int buffer, int block) in owner)
        {
            if (block >= 0 && buffers.Transient[buffer].Last >= backward) _kept[block] += ByteSize.AlignUp(buffers.Transient[buffer].Bytes, Placement.Alignment);
        }
    }

    // Updates between backward nodes belong to the block that is being worked on.
    private void MeasureLive(Graph graph, long[] live)
    {
        long[] before = new long[_kept.Length + 1];
        for (int i = 0; i < _kept.Length; i++) before[i + 1] = before[i] + _kept[i];
        int block = -1;
        bool backward = false;
        for (int i = 0; i < live.Length && i < graph.Nodes.Count; i++)
        {
            Node node = graph.Nodes[i];
            if (node.Block >= 0) (block, backward) = (node.Block, backward || node.Pass == Pass.Backward);
            if (node.Block < 0 && node.Pass != Pass.Update)
            {
                if (block < 0 || (backward && block == 0)) Outside = Math.Max(Outside, live[i]);
                else Head = Math.Max(Head, live[i] - before[^1]);
            }
            else if (block >= 0) _working[block] = Math.Max(_working[block], live[i] - before[block]);
            else Outside = Math.Max(Outside, live[i]);
        }
    }
}
