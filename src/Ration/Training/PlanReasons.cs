using System.Globalization;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;

namespace Ration.Training;

/// <summary>Puts the planner's decisions into words.</summary>
internal static class PlanReasons
{
    private const string AsKept = "as the checkpoint has it";

    /// <summary>A reason for each choice.</summary>
    public static IReadOnlyList<PlanReason> Explain(TrainingPlan plan, FoundPlan found) =>
        [MicroBatch(plan, found), Recomputation(plan, found), .. Methods(plan, found), Release(plan), Clipping(plan), Optimizer(plan), Weights(plan), Loss(plan)];

    private static PlanReason MicroBatch(TrainingPlan plan, FoundPlan found)
    {
        int rows = plan.Choices.MicroBatchRows, all = plan.Options.Rows;
        string choice = $"{rows} of {all} rows";
        if (plan.Options.Optimizer.GradientParts > 0) return new("micro-batch", choice, $"{plan.Options.Optimizer.Name} compares the gradients of {all / rows} parts of a step");
        if (plan.Options.MicroBatchRows is not null) return new("micro-batch", choice, "as asked");
        if (all == 1) return new("micro-batch", choice, "a step has no more");
        if (plan.Options.Optimizer.ReleasesGradients) return new("micro-batch", choice, $"{plan.Options.Optimizer.Name} gives up each gradient for its update, so there is nothing to add parts up in");
        if (plan.Options.HasTwoBackwardPasses) return new("micro-batch", choice, "clipping in two passes is there to hold no gradients, so there is nothing to add parts up in");
        if (found.IsKept) return new("micro-batch", choice, AsKept);
        if (rows == all) return new("micro-batch", choice, "the whole step fits at once, and reading the weights once is fastest");
        double faster = Slowdown(plan, found.Plans,
            c => c.MicroBatchRows == all && c.Release && c.Methods == plan.Choices.Methods && c.Activations == plan.Choices.Activations && c.HeadGradient == plan.Choices.HeadGradient);
        return new("micro-batch", choice, faster > 1
            ? string.Create(CultureInfo.InvariantCulture, $"all rows at once would fit only with more recomputation, {100 * (faster - 1):0} % slower")
            : $"activations of {all} rows do not fit; gradients of {all / rows} parts are added up instead");
    }

    private static PlanReason Recomputation(TrainingPlan plan, FoundPlan found)
    {
        RecomputeChoice choice = plan.Choices.Recompute;
        PlanningResult search = found.Plans;
        if (plan.Options.Recompute is not (null or RecomputeMode.Optimal))
            return new("recompute", choice.Mode == RecomputeMode.Blocks ? "all" : choice.ToString(), "as asked");
        if (found.IsKept && choice.Mode == RecomputeMode.None) return new("recompute", choice.ToString(), AsKept);
        if (choice.Mode == RecomputeMode.None) return new("recompute", choice.ToString(), "everything that blocks keep fits, so none is computed again");
        double slower = Seconds(search, plan.Choices) / Seconds(search, plan.Choices with { Recompute = new RecomputeChoice(RecomputeMode.None) });
        string what = choice switch
        {
            { Mode: RecomputeMode.Optimal } => "for each block what costs the least time within the budget: - nothing, c norms and activation functions, a attention, "
                + "m MLP, p both, b all, + together with the block before",
            { Mode: RecomputeMode.SquareRoot } => "only the input of every few blocks is kept",
            { Blocks: 0 } => "norms and activation functions are forgotten and computed again",
            _ => $"norms and activation functions, and all of {choice.Blocks} of {plan.Options.Model.Layers} blocks, are computed again",
        };
        return new("recompute", choice.ToString(), what + Price(slower));
    }

    /// <summary>What is computed again, in a few words.</summary>
    /// <param name="choice">How it was decided.</param>
    /// <param name="layers">Blocks of the model.</param>
    public static string Words(RecomputeChoice choice, int layers)
    {
        int whole = choice.Mode == RecomputeMode.Blocks ? choice.Blocks : choice.Parts.Count(static p => p is RecomputedParts.Block or RecomputedParts.Joined or RecomputedParts.Both);
        int some = choice.Parts.Count(static p => p is RecomputedParts.Cheap or RecomputedParts.Attention or RecomputedParts.Mlp);
        return choice.Mode switch
        {
            RecomputeMode.None => "nothing computed again",
            RecomputeMode.SquareRoot => "all but the input of every few blocks computed again",
            RecomputeMode.Attention => "attention computed again",
            RecomputeMode.Mlp => "MLPs computed again",
            _ when whole + some == 0 => choice.Mode == RecomputeMode.Blocks ? "norms and activation functions computed again" : "nothing computed again",
            _ when whole == 0 => $"{some} of {layers} blocks computed again in part",
            _ => $"{whole} of {layers} blocks computed again{(some > 0 ? $" and {some} in part" : "")}",
        };
    }

    /// <summary>Methods that a plan chose, in words.</summary>
    /// <param name="choices">What it chose.</param>
    /// <param name="asked">What was asked for.</param>
    /// <param name="step">The step, where it is known: of state that is too small to be stored in blocks nothing is said.</param>
    public static string Words(MemoryChoices choices, TrainingOptions asked, Graph? step = null)
    {
        List<string> words = [];
        if (choices.Methods.Rule is { } rule) words.Add($"{rule} instead of {asked.Optimizer.Name}");
        if (choices.Methods.State is { } state && (step is null || TrainingPlan.StoresState(step))) words.Add($"optimizer state in {Words(state)} (--state {state.Name()})");
        if (choices.Methods.Weights is { } weights) words.Add($"weights in {(weights == WeightFormat.Int8 ? "8 bits" : "bf16")} (--weights {weights.Name()})");
        if (asked.Activations is null && choices.Activations != ActivationMethods.Full)
            words.Add($"activations {choices.Activations.Description} (--activations {choices.Activations.Name})");
        return string.Join(", ", words);
    }

    private static IEnumerable<PlanReason> Methods(TrainingPlan plan, FoundPlan found)
    {
        PlanningResult search = found.Plans;
        ActivationMethod method = plan.Choices.Activations;
        if (plan.Asked.Activations is not null && method != ActivationMethods.Full) yield return new("activations", method.Name, $"{method.Description}, as asked");
        if (plan.Options.Products == ProductFormat.Int8) yield return new("products", "int8", "linear layers of blocks multiply bytes, but for the gradients of weights, as asked");
        int tiles = plan.Program.Graph.Nodes.Select(static n => n.Op).OfType<TiledMlp>().Select(static o => o.Tiles).FirstOrDefault(1);
        if (tiles > 1)
        {
            string asked = plan.Options.MlpTiles is not { } number ? "" : tiles == number ? "as asked: " : $"instead of {number}, because a tile has at least {TiledMlp.LeastRows} tokens: ";
            yield return new("MLP tiles", tiles.ToString(CultureInfo.InvariantCulture), $"{asked}hidden layers of a tile of tokens at a time; they are computed again in the backward pass");
        }

        if (plan.Choices.HeadGradient == HeadGradient.Late) yield return Head(plan, search);
        if (Words(plan.Choices, plan.Asked, plan.Program.Graph) is not { Length: > 0 } words) yield break;
        PlanCandidate[] exact = [.. search.Considered.Where(static c => c.Choices.Quality == MethodQuality.Exact)];
        PlanCandidate? fastest = exact.Where(c => c.IsPlaced && Needed(c, found.NarrowestBytes) <= plan.BudgetBytes).MinBy(static c => c.Seconds), smallest = exact.MinBy(static c => c.ArenaBytes);
        string why = fastest is not null
            ? string.Create(CultureInfo.InvariantCulture, $"{100 * ((fastest.Seconds / Seconds(search, plan.Choices)) - 1):0} % faster than the fastest exact plan that fits")
            : smallest is null ? AsKept
            : $"no exact plan fits: the smallest needs {new ByteSize(Math.Max(0, Needed(smallest, found.NarrowestBytes) - plan.BudgetBytes))} more";
        yield return new("methods", words, why + Price(plan, search));
    }

    private static PlanReason Head(TrainingPlan plan, PlanningResult search)
    {
        ByteSize bytes = new((long)plan.Options.Model.Vocabulary * plan.Options.Model.Width * sizeof(float));
        string price = Price(Seconds(search, plan.Choices) / Seconds(search, plan.Choices with { HeadGradient = HeadGradient.Early }));
        return new("head gradient", "late", $"its {bytes} do not meet what blocks keep; logits are computed once more{price}");
    }

    // Not a number where that was not looked at; below a twentieth of a per cent nothing is worth saying.
    private static string Price(double slower) => !(slower > 1.0005) ? "" : string.Create(CultureInfo.InvariantCulture, $"; about {100 * (slower - 1):0.#} % slower");

    // Against the exact plan that would be run if memory were no matter; where that fits, it is what was compared with already.
    private static string Price(TrainingPlan plan, PlanningResult search)
    {
        if (search.Considered.Where(static c => c.Choices.Quality == MethodQuality.Exact).MinBy(static c => c.Seconds) is not { } free) return "";
        long less = free.ArenaBytes - plan.ArenaBytes;
        if (less <= 0 || free.ArenaBytes <= plan.BudgetBytes - plan.RuntimeBytes) return "";
        double slower = (Seconds(search, plan.Choices) / free.Seconds) - 1;
        string speed = Math.Abs(slower) < 0.005 ? "as fast as" : string.Create(CultureInfo.InvariantCulture, $"{100 * Math.Abs(slower):0} % {(slower < 0 ? "faster" : "slower")} than");
        return $"; {speed} the fastest of all exact plans, which takes {new ByteSize(less)} more";
    }

    private static PlanReason Release(TrainingPlan plan)
    {
        if (plan.Choices.Release) return new("gradients", "released", "each weight is updated as soon as its gradient is complete, and the bytes are used again");
        if (plan.Options.Optimizer.GradientParts > 0) return new("gradients", "summed with squares", "each micro-batch's gradient is added, and its square, as soon as it is complete");
        if (plan.Choices.MicroBatchRows != plan.Options.Rows) return new("gradients", "accumulated", "micro-batches add to one gradient for each weight, which must live through the step");
        return new("gradients", "kept", "there is room to hold them all to the end of the step");
    }

    private static PlanReason Clipping(TrainingPlan plan)
    {
        TrainingOptions options = plan.Options;
        if (options.ClipNorm == 0) return new("clipping", "none", "as asked");
        string norm = options.ClipNorm.ToString(CultureInfo.InvariantCulture);
        return options.ClipScope switch
        {
            ClipScope.Global => new("clipping", $"global norm {norm}", "the norm needs every gradient, so releasing gradients early saves nothing"),
            ClipScope.TwoPass when plan.Choices.MicroBatchRows == options.Rows =>
                new("clipping", $"global norm {norm} in two passes", "a first backward pass measures the norm, so that the second can release gradients"),
            ClipScope.TwoPass => new("clipping", $"global norm {norm}", "the sums over micro-batches hold every gradient, so one backward pass does"),
            ClipScope.Value => new("clipping", $"elements at ±{norm}", "needs no other element, so gradients can be released early without changing a number"),
            _ => new("clipping", $"norm {norm} per weight", "needs no other weight's gradient, so gradients can be released early without changing a number"),
        };
    }

    private static PlanReason Optimizer(TrainingPlan plan)
    {
        Value[] state = [.. plan.Program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.OptimizerState)];
        string set = string.Concat(NumbersSet(plan.Options.Optimizer).Select(static n => string.Create(CultureInfo.InvariantCulture, $"; {n.Name} {(float)n.Usual} as asked")));
        if (state.Length == 0) return new("optimizer", plan.Options.Optimizer.Name, $"keeps no state{set}");
        string[] parts = [.. state.GroupBy(static v => v.DType).OrderByDescending(static g => g.Sum(static v => v.Bytes))
            .Select(static g => $"{new ByteSize(g.Sum(static v => v.Bytes))} of state in {Words(g.Key)}")];
        bool isSmall = plan.Asked.State is { } asked && asked != plan.StoredState;
        string small = isSmall ? $"; no tensor of it is large enough for --state {plan.Asked.State!.Value.Name()}" : "";
        return new("optimizer", plan.Options.Optimizer.Name, $"keeps {string.Join(", ", parts)}{small}{set}");
    }

    // The numbers of a rule that are not what they usually are.
    private static IEnumerable<RuleNumber> NumbersSet(IOptimizer rule)
    {
        IReadOnlyList<RuleNumber> usual = OptimizerCatalog.All.FirstOrDefault(o => o.Name == rule.Name)?.Numbers ?? [];
        return RuleNumbers.Of(rule).Except(usual).Where(number => usual.Any(u => u.Name == number.Name));
    }

    private static PlanReason Loss(TrainingPlan plan)
    {
        LossOptions loss = plan.Options.Loss;
        (int vocabulary, long tokens) = (plan.Options.Model.Vocabulary, (long)plan.Choices.MicroBatchRows * plan.Options.Sequence);
        ByteSize logits = new(tokens * vocabulary * sizeof(float));
        string times = plan.Choices.HeadGradient == HeadGradient.Late ? "three times" : "twice";
        return new("loss", loss.Name, loss.Method switch
        {
            LossMethod.Filtered => $"blocks of logits are computed {times} instead of keeping {logits}; parts of the gradient below "
                + $"{loss.FilterThreshold.ToString("0.0#e0", CultureInfo.InvariantCulture)} are skipped, so it is not exact",
            LossMethod.Chunked => $"logits of {Math.Min(tokens, LossOptions.ChunkTokens)} tokens at a time instead of {logits} for all",
            LossMethod.Full => $"all logits are kept, {logits}, which saves one of four products",
            LossMethod.Sampled => $"{loss.SampledClasses(vocabulary)} of {vocabulary} classes at least, and every target of the step; not exact, "
                + "and the loss of training, over these classes alone, is below the held-out one over all",
            _ => $"blocks of logits are computed {times} instead of keeping {logits}",
        });
    }

    private static PlanReason Weights(TrainingPlan plan)
    {
        long bytes = plan.Program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.Weights).Sum(static v => v.Bytes);
        ByteSize plain = new(plan.Options.Model.Parameters * sizeof(float)), held = new(bytes);
        return plan.Options.Step.Weights switch
        {
            WeightFormat.F32 => new("weights", "f32", $"{plain}, updated without rounding"),
            WeightFormat.BF16 => new("weights", "bf16", $"{held} instead of {plain}; updates are rounded by chance, right on average"),
            WeightFormat.CompensatedBF16 => new("weights", "bf16-kahan", $"{held} instead of {plain}; what rounding leaves over is kept with the optimizer's state"),
            _ => new("weights", "int8", $"{held} instead of {plain}; updates are rounded by chance, right on average"),
        };
    }

    private static string Words(StateFormat state) => state switch
    {
        StateFormat.EightBit => "8-bit blocks",
        StateFormat.FourBit => "4-bit blocks",
        StateFormat.Float8 => "8-bit floats",
        _ => state.ToString().ToLowerInvariant(),
    };

    private static string Words(DType type) => type switch
    {
        DType.Dynamic8 => "8-bit blocks",
        DType.DynamicUnsigned8 => "8-bit blocks without signs",
        DType.Dynamic4 => "4-bit blocks",
        DType.LinearUnsigned4 => "4-bit blocks without signs and zero",
        DType.F8Expanded => "8-bit floats",
        _ => type.ToString().ToLowerInvariant(),
    };

    private static long Needed(PlanCandidate candidate, long runtime) => candidate.ArenaBytes + RuntimeFootprint.Overhead(candidate.ArenaBytes) + runtime;

    private static double Slowdown(TrainingPlan plan, PlanningResult search, Func<MemoryChoices, bool> which)
    {
        double chosen = Seconds(search, plan.Choices);
        double other = search.Considered.Where(c => which(c.Choices) && c.ArenaBytes + plan.RuntimeBytes <= plan.BudgetBytes)
            .Select(static c => c.Seconds).DefaultIfEmpty(double.NaN).Min();
        return other / chosen;
    }

    private static double Seconds(PlanningResult search, MemoryChoices choices) =>
        search.Considered.FirstOrDefault(c => c.Choices == choices)?.Seconds ?? double.NaN;
}
