using Ration.Graphs;
using Ration.Memory;
using Ration.Planning;

namespace Ration.Training;

/// <summary>Bytes of one purpose when the step is at its peak.</summary>
/// <param name="Name">For people, for example <c>optimizer state</c>.</param>
/// <param name="Kind">The kind, or null for what is no value of the step: gaps, evaluation and the runtime.</param>
/// <param name="Bytes">The size.</param>
/// <param name="Share">Part of the whole planned peak, 0 to 1.</param>
public sealed record PlanRow(string Name, MemoryKind? Kind, long Bytes, double Share);

/// <summary>Where in the step most bytes are occupied.</summary>
/// <param name="Instruction">Number of the instruction.</param>
/// <param name="Operation">Its operation and, where it has one, its result: <c>MatMul → gate</c>.</param>
/// <param name="Scope">Where in the model.</param>
/// <param name="Pass">Forward, backward or update.</param>
/// <param name="Seconds">Predicted time from the start of the step, with one micro-batch, to the start of the instruction.</param>
public sealed record PlanPeak(int Instruction, string Operation, string Scope, Pass Pass, double Seconds);

/// <summary>Equal buffers of all blocks together, occupied at the peak.</summary>
/// <param name="Name">What lies there; <c>*</c> stands for the number of a block.</param>
/// <param name="Kind">What the bytes are for.</param>
/// <param name="Count">How many buffers.</param>
/// <param name="Bytes">Bytes of all of them.</param>
/// <param name="Persistent">Whether it outlives the step: weights, optimizer state, sums over micro-batches.</param>
public sealed record PlanBuffer(string Name, MemoryKind Kind, int Count, long Bytes, bool Persistent);

/// <summary>A training plan in numbers, for people and for tools. Bytes are exact; times are predicted.</summary>
public sealed class PlanReport
{
    private const int LargestCount = 8;

    private PlanReport(TrainingPlan plan, MachineRates rates)
    {
        (Plan, Rates) = (plan, rates);
        Moments = new PlanMoments(plan.Program.Graph, plan.Program.Timeline, new CostModel(rates));
        Rows = RowsOf(plan);
        Peak = PeakOf(plan, Moments);
        Largest = LargestOf(plan);
        StepSeconds = plan.PredictedStepSeconds(rates);
    }

    /// <summary>The plan.</summary>
    public TrainingPlan Plan { get; }

    /// <summary>Speeds that times are predicted from.</summary>
    public MachineRates Rates { get; }

    /// <summary>Bytes by purpose at the peak; they add up to <see cref="PlannedPeakBytes"/>.</summary>
    public IReadOnlyList<PlanRow> Rows { get; }

    /// <summary>The most bytes that the process will have resident.</summary>
    public long PlannedPeakBytes => Plan.PlannedPeakBytes;

    /// <summary>What the process may have.</summary>
    public long BudgetBytes => Plan.BudgetBytes;

    /// <summary>Where the peak is reached, or null for a step without instructions.</summary>
    public PlanPeak? Peak { get; }

    /// <summary>What is largest at the peak: first what comes and goes, then what stays; of each, largest first and eight lines at most.</summary>
    public IReadOnlyList<PlanBuffer> Largest { get; }

    /// <summary>The choices with their reasons.</summary>
    public IReadOnlyList<PlanReason> Choices => Plan.Reasons;

    /// <summary>Predicted seconds of a step, all micro-batches included.</summary>
    public double StepSeconds { get; }

    /// <summary>Predicted tokens of training data a second.</summary>
    public double TokensPerSecond => StepSeconds > 0 ? TokensPerStep / StepSeconds : 0;

    /// <summary>Tokens of a step.</summary>
    public long TokensPerStep => Plan.Options.BatchTokens;

    /// <summary>Parameters of the model.</summary>
    public long Parameters => Plan.Options.Model.Parameters;

    /// <summary>Share of the step's transient bytes that placement loses between buffers.</summary>
    public double Fragmentation => Plan.Program.Fragmentation;

    /// <summary>The step instruction by instruction, in predicted time.</summary>
    internal PlanMoments Moments { get; }

    /// <summary>A report of a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="rates">Speeds of the machine, measured or nominal.</param>
    public static PlanReport Of(TrainingPlan plan, MachineRates rates) => new(plan, rates);

    /// <summary>The plan as a table of at most 100 columns.</summary>
    public override string ToString() => PlanTable.Write(this);

    /// <summary>The plan as a table for a terminal.</summary>
    /// <param name="width">Columns of the terminal; no more than 100 are used, and some 50 are needed.</param>
    public string ToString(int width) => PlanTable.Write(this, width);

    /// <summary>The name of a kind for people.</summary>
    internal static string NameOf(MemoryKind kind) => kind switch
    {
        MemoryKind.Weights => "weights",
        MemoryKind.Gradients => "gradients",
        MemoryKind.OptimizerState => "optimizer state",
        MemoryKind.Activations => "activations",
        MemoryKind.KvCache => "KV cache",
        MemoryKind.Inputs => "inputs",
        MemoryKind.Workspace => "workspace",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown kind"),
    };

    /// <summary>An operation with its result, for people.</summary>
    internal static string Describe(Node node) => node.Outputs.Count == 0 || node.Outputs[0].Name.Length == 0
        ? node.Op.Name
        : $"{node.Op.Name} → {node.Outputs[0].Name}";

    private static List<PlanRow> RowsOf(TrainingPlan plan)
    {
        MemoryTimeline timeline = plan.Program.Timeline;
        double whole = plan.PlannedPeakBytes;
        PlanRow Row(string name, MemoryKind? kind, long bytes) => new(name, kind, bytes, whole > 0 ? bytes / whole : 0);
        List<PlanRow> rows = [.. Enum.GetValues<MemoryKind>().Select(kind => Row(NameOf(kind), kind, timeline.AtPeak(kind)))];
        rows.Add(Row("alignment and gaps", null, plan.Program.ArenaBytes - rows.Sum(static r => r.Bytes)));
        rows.Add(Row("evaluation", null, plan.ArenaBytes - plan.Program.ArenaBytes));
        rows.Add(Row("runtime", null, plan.RuntimeBytes));
        return rows;
    }

    private static PlanPeak? PeakOf(TrainingPlan plan, PlanMoments moments)
    {
        int at = plan.Program.Timeline.PeakInstruction;
        if (plan.Program.Timeline.Instructions == 0) return null;
        Node node = plan.Program.Graph.Nodes[at];
        return new PlanPeak(at, Describe(node), node.Scope, node.Pass, moments.Start(at));
    }

    private static IReadOnlyList<PlanBuffer> LargestOf(TrainingPlan plan)
    {
        if (plan.Program.Timeline.Instructions == 0) return [];
        IEnumerable<IGrouping<bool, PlanBuffer>> halves = plan.Program.AliveAt(plan.Program.Timeline.PeakInstruction)
            .GroupBy(b => (Name: WithoutNumbers(b), b.Kind, Persistent: b.Offset < plan.Program.Layout.Bytes))
            .Select(static g => new PlanBuffer(g.Key.Name, g.Key.Kind, g.Count(), g.Sum(static b => b.Bytes), g.Key.Persistent))
            .GroupBy(static b => b.Persistent).OrderBy(static h => h.Key);
        return [.. halves.SelectMany(static h => h.OrderByDescending(static b => b.Bytes).ThenBy(static b => b.Name, StringComparer.Ordinal).Take(LargestCount))];
    }

    // Names of weights and their gradients say where they belong; other names are told apart by their scope only.
    private static string WithoutNumbers(LiveBuffer buffer)
    {
        bool complete = buffer.Scope.Length == 0 || buffer.Kind is MemoryKind.Gradients || buffer.Scope.StartsWith("update.", StringComparison.Ordinal);
        string name = complete ? buffer.Name : $"{buffer.Scope}.{buffer.Name}";
        return string.Join('.', name.Split('.').Select(static part => part.Length > 0 && part.All(char.IsAsciiDigit) ? "*" : part));
    }
}
