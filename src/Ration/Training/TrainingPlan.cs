using Ration.Devices;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;

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
    // A node and its instruction.
    private const long BytesOfNode = 2 << 10;

    private TrainingPlan(TrainingOptions asked, PlanCandidate best, FoundPlan found, StepProgram evaluation, long budget, IDevice device)
    {
        (Asked, Options, Choices, Program, Evaluation) = (asked, asked.With(best.Choices.Methods), best.Choices, best.Program!, evaluation);
        (BudgetBytes, Device) = (budget, device);
        RuntimeBytes = found.RuntimeBytes + RuntimeFootprint.Overhead(ArenaBytes);
        TrainingGraph graph = TrainingGraph.Trace(Options.Step, Choices.MicroBatchRows, Choices.MlpTiles);
        (Scalars, Measured) = (graph.Scalars, graph.Measured);
        Reasons = PlanReasons.Explain(this, found);
    }

    /// <summary>What was asked for.</summary>
    internal TrainingOptions Asked { get; }

    /// <summary>What is trained, with the methods that were chosen.</summary>
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

    /// <summary>State to read before that.</summary>
    public IReadOnlyList<Value> Measured { get; }

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

    /// <summary>Whether the update rule keeps state; what the rounding of weights leaves over is not the rule's.</summary>
    public bool RuleKeepsState => RuleState(Program.Graph).Any();

    /// <summary>The format in which state of the update rule is stored: F32 where none is large enough for another.</summary>
    public StateFormat StoredState => StoresState(Program.Graph) ? Options.Step.State : StateFormat.F32;

    /// <summary>Whether a step stores state of its rule in fewer bits than F32.</summary>
    internal static bool StoresState(Graph step) => RuleState(step).Any(static v => v.DType != DType.F32);

    /// <summary>Predicted seconds of a step at measured or nominal rates.</summary>
    public double PredictedStepSeconds(MachineRates rates) => new CostModel(rates).Seconds(Program.Graph);

    /// <summary>Every arrangement of memory that the planner looks among for a budget of so many bytes of arena.</summary>
    public static IReadOnlyList<MemoryChoices> Arrangements(TrainingOptions options, IDevice device, long arenaBudget) =>
        [.. TrainingPlanFamilies.Of(options, device, arenaBudget).SelectMany(static family => Enumerable.Range(0, family.Count).Select(family.Choices)).Distinct()];

    /// <summary>Makes a plan. No memory for tensors is needed, so a model of any size can be planned.</summary>
    /// <param name="options">The run.</param>
    /// <param name="device">Where it will run; needs no memory yet.</param>
    /// <param name="hostBytes">Managed memory that the run will hold, such as tokenized text.</param>
    /// <param name="pinned">Choices to keep to, those of a checkpoint; null to choose.</param>
    /// <param name="rates">What plans are compared by; null for nominal rates.</param>
    /// <exception cref="InvalidInputException">The options are not usable.</exception>
    /// <exception cref="MemoryBudgetException">Nothing fits.</exception>
    public static TrainingPlan Create(TrainingOptions options, IDevice device, long hostBytes = 0, MemoryChoices? pinned = null, MachineRates? rates = null)
    {
        options.Validate();
        hostBytes += RowFiller.HostBytes(pinned?.MicroBatchRows ?? options.MicroBatchRows ?? options.Rows, options.Sequence);
        if (options.Loss.Method == LossMethod.Sampled) hostBytes += ClassSampler.HostBytes(options.Model.Vocabulary, options.Loss.SampleRoom(options.Model.Vocabulary, options.BatchTokens));
        Graph traced = TrainingGraph.Trace(options.Step, options.Rows / Math.Max(1, options.Optimizer.GradientParts)).Graph;
        hostBytes += BytesOfNode * traced.Nodes.Count;
        bool compilesRule = MethodReserve.CompilesRule(traced), compilesFourBits = options.State == StateFormat.FourBit && StoresState(new StateStorage(StateFormat.FourBit).Apply(traced));
        long budget = options.Memory?.Bytes ?? MeasuredMemory.DefaultBudgetBytes();
        long RuntimeOf(TrainingOptions allowed) => RuntimeFootprint.Reserve(device.Threads, hostBytes + MethodReserve.Bytes(allowed, compilesRule, compilesFourBits));
        StepProgram EvaluationOf(StepProgram program)
        {
            int rows = (int)program.Graph.Inputs.First(static v => v.Name == ModelInputs.TokensName).Shape[0];
            int tiles = program.Graph.Nodes.Select(static n => n.Op).OfType<TiledMlp>().FirstOrDefault()?.Tiles ?? 1;
            Graph graph = TrainingGraph.BuildEvaluation(options.Step, rows, program.Graph, tiles);
            return StepProgram.Compile(graph, device, program.Layout);
        }

        MethodSearch search = new(device, new Planner(device, rates), budget, RuntimeOf, program => EvaluationOf(program).ArenaBytes);
        FoundPlan found = pinned is null ? search.Find(options) : search.Keep(options, pinned);
        if (found.Plans.Best is not { } best) throw Refusal(options, found, budget, RuntimeOf, device, pinned is not null);
        return new TrainingPlan(options, best, found, EvaluationOf(best.Program!), budget, device);
    }

    private static MemoryBudgetException Refusal(
        TrainingOptions options, FoundPlan found, long budget, Func<TrainingOptions, long> runtimeOf, IDevice device, bool pinned)
    {
        long arena = found.Smallest!.ArenaBytes;
        ByteSize smallest = new(arena + RuntimeFootprint.Overhead(arena) + found.RuntimeBytes);
        bool fitsOneRow = !pinned && options.Rows > 1 && options.Optimizer.GradientParts == 0
            && FitsOneRow(options, RuntimeFootprint.LargestArena(budget - found.NarrowestBytes), device);
        string hint = pinned ? "; a resumed run keeps the arrangement that it began with"
            : fitsOneRow ? $"; or --batch {options.Sequence} would fit {new ByteSize(budget)}"
            : options.Sequence > 1 ? "; a smaller --sequence or model needs less" : "";
        if (!pinned && LowerQuality(options, budget, runtimeOf, device) is { } lower) hint = lower;
        MemoryChoices least = found.Smallest.Choices;
        string choices = $"{least.MicroBatchRows} of {options.Rows} rows at a time, {PlanReasons.Words(least.Recompute, options.Model.Layers)}, "
            + $"gradients {(least.Release ? "released early" : least.MicroBatchRows == options.Rows ? "kept" : "accumulated")}"
            + $"{(least.HeadGradient == HeadGradient.Late ? ", the head's computed late" : "")}";
        if (PlanReasons.Words(least, options, found.Smallest.Program!.Graph) is { Length: > 0 } methods) choices += $", {methods}";
        return new MemoryBudgetException(
            $"training {options.Model.Name} with --batch {options.BatchTokens} --sequence {options.Sequence} does not fit {new ByteSize(budget)}: "
            + $"{MemoryBudgetException.Words(smallest)} with {choices}{hint}",
            new ByteSize(budget), smallest);
    }

    // Whether methods that change the numbers would fit, the least change first.
    private static string? LowerQuality(TrainingOptions options, long budget, Func<TrainingOptions, long> runtimeOf, IDevice device)
    {
        for (MethodQuality quality = options.Quality + 1; quality <= MethodQuality.Any; quality++)
        {
            TrainingOptions lower = options with { Quality = quality };
            TrainingMethod last = TrainingMethods.Of(lower)[^1];
            if (last.Quality != quality) continue;
            long arenaBudget = RuntimeFootprint.LargestArena(budget - runtimeOf(lower));
            PlanningResult result = new Planner(device).Choose(TrainingPlanFamilies.Of(lower, [last], device, arenaBudget), arenaBudget, static _ => 0);
            if (result.Best is { } best) return $"; --quality {quality.ToString().ToLowerInvariant()} would fit, with {PlanReasons.Words(best.Choices, options)}";
        }

        return null;
    }

    private static bool FitsOneRow(TrainingOptions options, long arenaBudget, IDevice device)
    {
        TrainingOptions one = options with { BatchTokens = options.Sequence, MicroBatchRows = null };
        PlanningResult result = new Planner(device).Choose(TrainingPlanFamilies.Of(one, device, arenaBudget), arenaBudget, static _ => 0);
        return result.Best is not null;
    }

    // What the rounding of weights leaves over is not the rule's.
    private static IEnumerable<Value> RuleState(Graph step) => step.Persistent.Where(
        static v => v.Kind == MemoryKind.OptimizerState && !v.Name.EndsWith(Optimizers.UpdateBuilder.CompensationSuffix, StringComparison.Ordinal));
}
