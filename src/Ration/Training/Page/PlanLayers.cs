using Ration.Memory;
using Ration.Planning;

namespace Ration.Training.Page;

/// <summary>One purpose of memory over the moments of a chart.</summary>
/// <param name="Key">Its name in the style sheet.</param>
/// <param name="Name">Its name for people.</param>
/// <param name="Bytes">Its bytes at each moment.</param>
internal sealed record PlanLayer(string Key, string Name, long[] Bytes)
{
    /// <summary>Whether it ever changes.</summary>
    public bool Varies => Bytes.AsSpan().ContainsAnyExcept(Bytes[0]);

    /// <summary>The style-sheet name of a row of the report.</summary>
    public static string KeyOf(string name) => name == "alignment and gaps" ? "gaps" : name.ToLowerInvariant().Replace(' ', '-');
}

/// <summary>The moments of a step that are drawn, and what lies in memory at each: from the bottom of the chart to the top.</summary>
internal sealed class PlanLayers
{
    private const int Bins = 480;

    private static readonly MemoryKind[] s_order =
    [
        MemoryKind.Weights, MemoryKind.OptimizerState, MemoryKind.KvCache, MemoryKind.Inputs, MemoryKind.Gradients, MemoryKind.Activations,
        MemoryKind.Workspace,
    ];

    public PlanLayers(PlanReport report)
    {
        MemoryTimeline timeline = report.Plan.Program.Timeline;
        Moments = report.Moments.Sample(Bins);
        long[] Over(Func<int, long> bytes) => [.. Moments.Select(m => bytes(m.Instruction))];
        List<PlanLayer> all = [new PlanLayer("runtime", "runtime", Over(_ => report.Plan.RuntimeBytes))];
        all.AddRange(s_order.Select(kind => new PlanLayer(
            PlanLayer.KeyOf(PlanReport.NameOf(kind)), PlanReport.NameOf(kind), Over(instruction => timeline[instruction, kind]))));
        All = [.. all.Where(static layer => layer.Bytes.AsSpan().ContainsAnyExcept(0))];
        Peak = Moments.Select(static (m, i) => (m, i)).Where(p => p.m.Instruction == timeline.PeakInstruction).Select(static p => p.i).FirstOrDefault();
    }

    /// <summary>In order of time.</summary>
    public IReadOnlyList<PlanMoment> Moments { get; }

    /// <summary>Everything that is ever more than nothing.</summary>
    public IReadOnlyList<PlanLayer> All { get; }

    /// <summary>Number of the moment of most bytes.</summary>
    public int Peak { get; }

    /// <summary>The end of a moment in the chart, 0 to 1.</summary>
    public double EndOf(int moment) => moment + 1 < Moments.Count ? Moments[moment + 1].X : 1;

    /// <summary>Bytes of some layers together.</summary>
    public static long SumAt(IEnumerable<PlanLayer> layers, int moment) => layers.Sum(layer => layer.Bytes[moment]);
}
