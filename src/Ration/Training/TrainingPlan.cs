using Ration.Devices;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Planning;
using Ration.Planning.Passes;

namespace Ration.Training;

/// <summary>One decision of the planner, and why.</summary>
/// <param name="Name">What was decided.</param>
/// <param name="Choice">How.</param>
/// <param name="Reason">Why, in one sentence.</param>
public sealed record PlanReason(string Name, string Choice, string Reason);

/// <summary>
/// A training run, known byte by byte before it starts: the placed training step and the placed evaluation, what the process needs
/// besides, and the choices with their reasons.
/// </summary>
public sealed class TrainingPlan
{
    // Code that is compiled, and nodes that are held, only where activations are kept in another form.
    private const long CompiledForActivations = 1 << 20;

    private TrainingPlan(TrainingOptions options, PlanCandidate best, PlanningResult search, StepProgram evaluation, long budget, long runtime, IDevice device)
    {
        (Options, Choices, Program, Evaluation) = (options, best.Choices, best.Program!, evaluation);
        (BudgetBytes, Device) = (budget, device);
        RuntimeBytes = runtime + RuntimeFootprint.Overhead(ArenaBytes);
        Scalars = TrainingGraph.Build(options.Step, Choices).Scalars;
        Reasons = PlanReasons.Explain(this, search);
    }

    /// <summary>What is trained.</summary>
    public TrainingOptions Options { get; }

    /// <summary>How memory is arranged.</summary>
    public MemoryChoices Choices { get; }

    /// <summary>The choices with their reasons.</summary>
    public IReadOnlyList<PlanReason> Reasons { get; }

    /// <summary>The training step.</summary>
    public StepProgram Program { get; }

    /// <summary>The loss alone, on the same weights.</summary>
    public StepProgram Evaluation { get; }

    /// <summary>Scalars to compute before each step.</summary>
    public IReadOnlyList<Optimizers.HostScalar> Scalars { get; }

    /// <summary>What the process may have.</summary>
    public long BudgetBytes { get; }

    /// <summary>What the process needs besides the arena.</summary>
    public long RuntimeBytes { get; }

    /// <summary>The arena of all programs.</summary>
    public long ArenaBytes => Math.Max(Program.ArenaBytes, Evaluation.ArenaBytes);

    /// <summary>The most bytes that the process will have resident.</summary>
    public long PlannedPeakBytes => ArenaBytes + RuntimeBytes;

    /// <summary>Where it will run.</summary>
    public IDevice Device { get; }

    /// <summary>Predicted seconds of a step at measured or nominal rates.</summary>
    public double PredictedStepSeconds(MachineRates rates) => new CostModel(rates).Seconds(Program.Graph);

    /// <summary>Makes a plan. No memory for tensors is needed, so a model of any size can be planned.</summary>
    /// <param name="options">The run.</param>
    /// <param name="device">Where it will run; needs no memory yet.</param>
    /// <param name="threads">Threads of that device.</param>
    /// <param name="hostBytes">Managed memory that the run will hold, such as tokenized text.</param>
    /// <param name="pinned">Choices to keep to, those of a checkpoint; null to choose.</param>
    /// <exception cref="InvalidInputException">The options are not usable.</exception>
    /// <exception cref="MemoryBudgetException">Nothing fits.</exception>
    public static TrainingPlan Create(TrainingOptions options, IDevice device, int threads, long hostBytes = 0, MemoryChoices? pinned = null)
    {
        options.Validate();
        hostBytes += RowFiller.HostBytes(pinned?.MicroBatchRows ?? options.MicroBatchRows ?? options.Rows, options.Sequence);
        if ((pinned?.Activations ?? options.Activations) is { } method && method != ActivationMethods.Full) hostBytes += CompiledForActivations;
        long runtime = RuntimeFootprint.Reserve(threads, hostBytes);
        long budget = options.Memory?.Bytes ?? FreeMemory();
        IReadOnlyList<PlanFamily> families = pinned is null ? TrainingPlanFamilies.Of(options, device, RuntimeFootprint.LargestArena(budget - runtime)) : [new PlanFamily(1, _ => pinned, c => TrainingGraph.Build(options.Step, c).Graph)];
        Dictionary<(int Rows, int Tiles), Graph> evaluations = [];
        StepProgram EvaluationOf(StepProgram program)
        {
            int rows = (int)program.Graph.Inputs.First(static v => v.Name == "tokens").Shape[0];
            int tiles = program.Graph.Nodes.Select(static n => n.Op).OfType<TiledMlp>().FirstOrDefault()?.Tiles ?? 1;
            if (!evaluations.TryGetValue((rows, tiles), out Graph? graph)) evaluations[(rows, tiles)] = graph = TrainingGraph.BuildEvaluation(options.Step, rows, tiles);
            return StepProgram.Compile(graph, device, program.Layout);
        }

        PlanningResult result = new Planner(device).Choose(families, RuntimeFootprint.LargestArena(budget - runtime), program => EvaluationOf(program).ArenaBytes);
        if (result.Best is not { } best) throw Refusal(options, result, budget, runtime, device, pinned is not null);
        return new TrainingPlan(options, best, result, EvaluationOf(best.Program!), budget, runtime, device);
    }

    /// <summary>What a run may take where no budget is given: what is free, less a margin for other programs.</summary>
    internal static long FreeMemory() => (long)(MeasuredMemory.AvailableBytes() * 0.8);

    private static MemoryBudgetException Refusal(TrainingOptions options, PlanningResult result, long budget, long runtime, IDevice device, bool pinned)
    {
        long arena = result.Smallest!.ArenaBytes;
        ByteSize smallest = new(arena + RuntimeFootprint.Overhead(arena) + runtime);
        string hint = pinned ? "; a resumed run keeps the arrangement that it began with" : options.Rows > 1 && FitsOneRow(options, RuntimeFootprint.LargestArena(budget - runtime), device)
            ? $"; or --batch {options.Sequence} would fit {new ByteSize(budget)}"
            : options.Sequence > 1 ? $"; a smaller --sequence or model needs less" : "";
        string choices = $"{result.Smallest.Choices.MicroBatchRows} of {options.Rows} rows at a time, recompute {result.Smallest.Choices.Recompute}, gradients {(result.Smallest.Choices.Release ? "released" : "kept")}";
        return new MemoryBudgetException(
            $"training {options.Model.Name} with --batch {options.BatchTokens} --sequence {options.Sequence} does not fit {new ByteSize(budget)}: "
            + $"the smallest budget that fits is {smallest.Bytes} bytes (--memory {(smallest.Bytes + (1 << 20) - 1) >> 20}MiB) with {choices}{hint}",
            smallest);
    }

    private static bool FitsOneRow(TrainingOptions options, long arenaBudget, IDevice device)
    {
        TrainingOptions one = options with { BatchTokens = options.Sequence, MicroBatchRows = null };
        PlanningResult result = new Planner(device).Choose(TrainingPlanFamilies.Of(one, device, arenaBudget), arenaBudget, static _ => 0);
        return result.Best is not null;
    }
}
