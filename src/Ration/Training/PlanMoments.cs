using Ration.Graphs;
using Ration.Planning;

namespace Ration.Training;

/// <summary>An instruction as a place in a chart.</summary>
/// <param name="Instruction">Its number.</param>
/// <param name="X">Where it is drawn, 0 to 1; it reaches to the next moment.</param>
internal readonly record struct PlanMoment(int Instruction, double X);

/// <summary>A run of instructions that has a name of its own.</summary>
/// <param name="Name">For people.</param>
/// <param name="Start">Where it starts, 0 to 1 of the time shown.</param>
/// <param name="End">Where it ends.</param>
internal readonly record struct PlanSpan(string Name, double Start, double End);

/// <summary>The instructions of a step in predicted time. What is repeated for each micro-batch is taken once.</summary>
internal sealed class PlanMoments
{
    private readonly Graph _graph;
    private readonly MemoryTimeline _timeline;
    private readonly double[] _start;

    public PlanMoments(Graph graph, MemoryTimeline timeline, CostModel cost)
    {
        (_graph, _timeline) = (graph, timeline);
        _start = new double[graph.Nodes.Count + 1];
        for (int i = 0; i < graph.Nodes.Count; i++) _start[i + 1] = _start[i] + cost.Seconds(graph.Nodes[i]);
    }

    /// <summary>Seconds of all instructions, once each.</summary>
    public double End => _start[^1];

    /// <summary>Seconds before an instruction starts.</summary>
    public double Start(int instruction) => _start[instruction];

    /// <summary>
    /// At most two instructions of each of <paramref name="bins"/> equal stretches of time: the one of the most bytes and the one of the
    /// fewest, so that no peak is lost. Each is given room to be seen, which may move it by a stretch.
    /// </summary>
    public IReadOnlyList<PlanMoment> Sample(int bins)
    {
        List<PlanMoment> moments = [];
        double free = 0, width = 1.0 / bins;
        for (int first = 0; first < _graph.Nodes.Count;)
        {
            int bin = Bin(first, bins), most = first, least = first, end = first;
            for (; end < _graph.Nodes.Count && Bin(end, bins) == bin; end++)
            {
                if (_timeline.Total(end) > _timeline.Total(most)) most = end;
                if (_timeline.Total(end) < _timeline.Total(least)) least = end;
            }

            Add(Math.Min(most, least));
            if (most != least) Add(Math.Max(most, least));
            first = end;
        }

        double last = Math.Max(1, free);
        return [.. moments.Select(m => m with { X = m.X / last })];

        void Add(int instruction)
        {
            double x = Math.Max(free, _start[instruction] / End);
            moments.Add(new PlanMoment(instruction, x));
            free = x + (width / 2);
        }
    }

    /// <summary>Forward, backward and update. Where updates run among the backward pass, its name says so.</summary>
    public IReadOnlyList<PlanSpan> Passes()
    {
        int count = _graph.Nodes.Count, lastBackward = -1, firstBackward = count, begin = 0, updatesWithin = 0, secondSweep = -1;
        for (int i = 0; i < count; i++)
        {
            if (_graph.Nodes[i].Phase == Phase.Begin) begin = i + 1;
            if (_graph.Nodes[i].Pass != Pass.Backward) continue;
            firstBackward = Math.Min(firstBackward, i);
            if (secondSweep < 0 && _graph.Nodes[i].Sweep > 0) secondSweep = i;
            lastBackward = i;
        }

        for (int i = Math.Max(firstBackward, secondSweep); i < lastBackward; i++) updatesWithin += _graph.Nodes[i].Pass == Pass.Update ? 1 : 0;
        string times = _graph.Repetitions > 1 ? $" × {PlanNumbers.Whole(_graph.Repetitions)}" : "";
        int forwardEnd = Math.Min(firstBackward, count);
        PlanSpan[] spans =
        [
            Span("Clear", 0, begin),
            Span("Forward" + times, begin, forwardEnd),
            Span("Backward for the norm", forwardEnd, Math.Max(forwardEnd, secondSweep)),
            Span((updatesWithin > 0 ? "Backward and update" : "Backward") + times, Math.Max(forwardEnd, secondSweep), Math.Max(forwardEnd, lastBackward + 1)),
            Span("Update", Math.Max(forwardEnd, lastBackward + 1), count),
        ];
        return [.. spans.Where(static s => s.End > s.Start)];
    }

    /// <summary>Runs of one block of the model each, in order of time: up through the blocks, and down again.</summary>
    public IReadOnlyList<PlanSpan> Blocks()
    {
        List<PlanSpan> spans = [];
        int block = -1, first = 0, last = 0;
        Pass pass = Pass.Forward;
        for (int i = 0; i < _graph.Nodes.Count; i++)
        {
            Node node = _graph.Nodes[i];
            if (node.Pass == Pass.Update) continue;
            if (node.Block != block || node.Pass != pass)
            {
                if (block >= 0) spans.Add(Span(PlanNumbers.Whole(block), first, last + 1));
                (block, pass, first) = (node.Block, node.Pass, i);
            }

            last = i;
        }

        if (block >= 0) spans.Add(Span(PlanNumbers.Whole(block), first, last + 1));
        return spans;
    }

    private PlanSpan Span(string name, int first, int end) => new(name, End > 0 ? _start[first] / End : 0, End > 0 ? _start[end] / End : 0);

    private int Bin(int instruction, int bins) => End > 0 ? Math.Min(bins - 1, (int)(_start[instruction] / End * bins)) : 0;
}
