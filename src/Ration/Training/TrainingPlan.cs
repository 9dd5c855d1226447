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
    // Code that is compiled only where activations are kept in another form, where weights are held in fewer bits, for a rule that is more than formulas;
    // plans of methods that are looked at, at high quality and at any, where code of more of them may be compiled; a node and its instruction.
    private const long CompiledForActivations = 1 << 20, CompiledForWeights = 2 << 20, CompiledForRule = 1 << 20, LookingAtMethods = 2 << 20, LookingAtAllMethods = 7 << 20, BytesOfNode = 2 << 10;

    private TrainingPlan(TrainingOptions asked, PlanCandidate best, PlanningResult search, StepProgram evaluation, long budget, long runtime, IDevice device)
    {
        (Asked, Options, Choices, Program, Evaluation) = (asked, asked.With(best.Choices.Methods), best.Choices, best.Program!, evaluation);
        (BudgetBytes, Device) = (budget, device);
        RuntimeBytes = runtime + RuntimeFootprint.Overhead(ArenaBytes);
        TrainingGraph graph = TrainingGraph.Build(Options.Step, Choices);
        (Scalars, Measured) = (graph.Scalars, graph.Measured);
        Reasons = PlanReasons.Explain(this, search);
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
    public bool RuleKeepsState => Program.Graph.Persistent.Any(
        static v => v.Kind == MemoryKind.OptimizerState && !v.Name.EndsWith(Optimizers.UpdateBuilder.CompensationSuffix, StringComparison.Ordinal));

    /// <summary>Predicted seconds of a step at measured or nominal rates.</summary>
    public double PredictedStepSeconds(MachineRates rates) => new CostModel(rates).Seconds(Program.Graph);

    /// <summary>Every arrangement of memory that the planner looks among for a budget of so many bytes of arena.</summary>
    public static IReadOnlyList<MemoryChoices> Arrangements(TrainingOptions options, IDevice device, long arenaBudget) =>
        [.. TrainingPlanFamilies.Of(options, device, arenaBudget).SelectMany(static family => Enumerable.Range(0, family.Count).Select(family.Choices)).Distinct()];

    /// <summary>Makes a plan. No memory for tensors is needed, so a model of any size can be planned.</summary>
    /// <param name="options">The run.</param>
    /// <param name="device">Where it will run; needs no memory yet.</param>
    /// <param name="threads">Threads of that device.</param>
    /// <param name="hostBytes">Managed memory that the run will hold, such as tokenized text.</param>
    /// <param name="pinned">Choices to keep to, those of a checkpoint; null to choose.</param>
    /// <param name="rates">What plans are compared by; null for nominal rates.</param>
    /// <exception cref="InvalidInputException">The options are not usable.</exception>
    /// <exception cref="MemoryBudgetException">Nothing fits.</exception>
    public static TrainingPlan Create(TrainingOptions options, IDevice device, int threads, long hostBytes = 0, MemoryChoices? pinned = null, MachineRates? rates = null)
    {
        options.Validate();
        hostBytes += RowFiller.HostBytes(pinned?.MicroBatchRows ?? options.MicroBatchRows ?? options.Rows, options.Sequence);
        if (options.Loss.Method == LossMethod.Sampled) hostBytes += ClassSampler.HostBytes(options.Model.Vocabulary, options.Loss.SampleRoom(options.Model.Vocabulary, options.BatchTokens));
        Graph traced = TrainingGraph.Trace(options.Step, options.Rows / Math.Max(1, options.Optimizer.GradientParts)).Graph;
        long code = CodeBytes(options, traced);
        hostBytes += code + (BytesOfNode * traced.Nodes.Count);
        long runtime = RuntimeFootprint.Reserve(threads, hostBytes);
        long budget = options.Memory?.Bytes ?? MeasuredMemory.DefaultBudgetBytes();
        StepProgram EvaluationOf(StepProgram program)
        {
            int rows = (int)program.Graph.Inputs.First(static v => v.Name == "tokens").Shape[0];
            int tiles = program.Graph.Nodes.Select(static n => n.Op).OfType<TiledMlp>().FirstOrDefault()?.Tiles ?? 1;
            Graph graph = TrainingGraph.BuildEvaluation(options.Step, rows, program.Graph, tiles);
            return StepProgram.Compile(graph, device, program.Layout);
        }

        Planner planner = new(device, rates);
        PlanningResult Choose(IReadOnlyList<PlanFamily> families) => planner.Choose(families, RuntimeFootprint.LargestArena(budget - runtime), program => EvaluationOf(program).ArenaBytes);
        PlanningResult result = pinned is null
            ? ChooseMethods(options, device, RuntimeFootprint.LargestArena(budget - runtime), Choose)
            : Choose([new PlanFamily(1, _ => pinned, c => TrainingGraph.Build(options.With(c.Methods).Step, c).Graph)]);
        if (result.Best is not { } best) throw Refusal(options, result, budget, runtime, runtime - code, device, pinned is not null);
        return new TrainingPlan(options, best, result, EvaluationOf(best.Program!), budget, runtime, device);
    }

    // The same for a run that is resumed, whose choices are pinned then.
    private static long CodeBytes(TrainingOptions options, Graph step)
    {
        if (options.Quality > MethodQuality.Exact) return LookingBytes(options.Quality);
        long bytes = (options.Activations ?? ActivationMethods.Full) != ActivationMethods.Full ? CompiledForActivations : 0;
        if (RuntimeFootprint.IsNative) return bytes;
        if ((options.Weights ?? WeightFormat.F32) != WeightFormat.F32) bytes += CompiledForWeights;
        if (step.Nodes.Any(static n => n.Pass == Pass.Update && n.Op is not (FusedElementwise or SumOfSquares))) bytes += CompiledForRule;
        return bytes;
    }

    private static long LookingBytes(MethodQuality quality) => quality == MethodQuality.Any ? LookingAtAllMethods : LookingAtMethods;

    // Exact methods first; others only where memory costs time, the least change of numbers first.
    private static PlanningResult ChooseMethods(TrainingOptions options, IDevice device, long arenaBudget, Func<IReadOnlyList<PlanFamily>, PlanningResult> choose)
    {
        PlanningResult? result = null;
        foreach (IGrouping<MethodQuality, TrainingMethod> methods in TrainingMethods.Of(options).GroupBy(static m => m.Quality).OrderBy(static g => g.Key))
        {
            PlanningResult found = choose([.. methods.SelectMany(method => TrainingPlanFamilies.Of(options, method, device, arenaBudget))]);
            result = result?.Or(found) ?? found;
            if (result.IsUnconstrained) break;
        }

        return result!;
    }

    private static MemoryBudgetException Refusal(
        TrainingOptions options, PlanningResult result, long budget, long runtime, long runtimeWithoutCode, IDevice device, bool pinned)
    {
        long arena = result.Smallest!.ArenaBytes;
        ByteSize smallest = new(arena + RuntimeFootprint.Overhead(arena) + runtime);
        string hint = pinned ? "; a resumed run keeps the arrangement that it began with" : options.Rows > 1 && options.Optimizer.GradientParts == 0 && FitsOneRow(options, RuntimeFootprint.LargestArena(budget - runtime), device)
            ? $"; or --batch {options.Sequence} would fit {new ByteSize(budget)}"
            : options.Sequence > 1 ? $"; a smaller --sequence or model needs less" : "";
        if (!pinned && LowerQuality(options, budget - runtimeWithoutCode, device) is { } lower) hint = lower;
        MemoryChoices least = result.Smallest.Choices;
        string choices = $"{least.MicroBatchRows} of {options.Rows} rows at a time, {PlanReasons.Words(least.Recompute, options.Model.Layers)}, "
            + $"gradients {(least.Release ? "released early" : "kept")}";
        return new MemoryBudgetException(
            $"training {options.Model.Name} with --batch {options.BatchTokens} --sequence {options.Sequence} does not fit {new ByteSize(budget)}: "
            + $"{MemoryBudgetException.Words(smallest)} with {choices}{hint}",
            smallest);
    }

    // Whether methods that change the numbers would fit, the least change first. What the process itself takes is more where they are looked at.
    private static string? LowerQuality(TrainingOptions options, long bytes, IDevice device)
    {
        for (MethodQuality quality = options.Quality + 1; quality <= MethodQuality.Any; quality++)
        {
            TrainingOptions lower = options with { Quality = quality };
            TrainingMethod last = TrainingMethods.Of(lower)[^1];
            if (last.Quality != quality) continue;
            long arenaBudget = RuntimeFootprint.LargestArena(bytes - LookingBytes(quality));
            PlanningResult result = new Planner(device).Choose(TrainingPlanFamilies.Of(lower, last, device, arenaBudget), arenaBudget, static _ => 0, findsSmallest: false);
            if (result.Best is { } best) return $"; --quality {quality.ToString().ToLowerInvariant()} would fit, with {PlanReasons.Words(best.Choices, options)}";
        }

        return null;
    }

    private static bool FitsOneRow(TrainingOptions options, long arenaBudget, IDevice device)
    {
        TrainingOptions one = options with { BatchTokens = options.Sequence, MicroBatchRows = null };
        PlanningResult result = new Planner(device).Choose(TrainingPlanFamilies.Of(one, device, arenaBudget), arenaBudget, static _ => 0, findsSmallest: false);
        return result.Best is not null;
    }
}
