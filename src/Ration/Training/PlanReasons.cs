using System.Globalization;
using Ration.Memory;
using Ration.Planning;
using Ration.Planning.Passes;

namespace Ration.Training;

/// <summary>Puts the planner's decisions into words.</summary>
internal static class PlanReasons
{
    /// <summary>A reason for each choice.</summary>
    public static IReadOnlyList<PlanReason> Explain(TrainingPlan plan, PlanningResult search) =>
        [MicroBatch(plan, search), Recomputation(plan, search), .. Activations(plan), Release(plan), Clipping(plan), Optimizer(plan)];

    private static PlanReason MicroBatch(TrainingPlan plan, PlanningResult search)
    {
        int rows = plan.Choices.MicroBatchRows, all = plan.Options.Rows;
        string choice = $"{rows} of {all} rows";
        if (plan.Options.MicroBatchRows is not null) return new("micro-batch", choice, "as asked");
        if (rows == all) return new("micro-batch", choice, "the whole step fits at once, and reading the weights once is fastest");
        double faster = Slowdown(plan, search, c => c.MicroBatchRows == all && c.Release);
        return new("micro-batch", choice, faster > 1
            ? string.Create(CultureInfo.InvariantCulture, $"all rows at once would fit only with more recomputation, {100 * (faster - 1):0} % slower")
            : $"activations of {all} rows do not fit; gradients of {all / rows} parts are added up instead");
    }

    private static PlanReason Recomputation(TrainingPlan plan, PlanningResult search)
    {
        RecomputeChoice choice = plan.Choices.Recompute;
        if (plan.Options.Recompute is not (null or RecomputeMode.Optimal)) return new("recompute", choice.ToString(), "as asked");
        if (choice.Mode == RecomputeMode.None) return new("recompute", choice.ToString(), "everything fits, so nothing is computed twice");
        double slower = Seconds(search, plan.Choices) / Seconds(search, plan.Choices with { Recompute = new RecomputeChoice(RecomputeMode.None) });
        string what = choice switch
        {
            { Mode: RecomputeMode.Optimal } => "for each block what costs the least time within the budget: - nothing, c norms and activation functions, a attention, m MLP, p both, b all, + together with the block before",
            { Mode: RecomputeMode.SquareRoot } => "only the input of every few blocks is kept",
            { Blocks: 0 } => "norms and activation functions are forgotten and computed again",
            _ => $"norms and activation functions, and all of {choice.Blocks} of {plan.Options.Model.Layers} blocks, are computed again",
        };
        string price = double.IsNaN(slower) ? "" : string.Create(CultureInfo.InvariantCulture, $"; about {100 * (slower - 1):0.#} % slower");
        return new("recompute", choice.ToString(), what + price);
    }

    private static IEnumerable<PlanReason> Activations(TrainingPlan plan)
    {
        ActivationMethod method = plan.Choices.Activations;
        if (method != ActivationMethods.Full) yield return new("activations", method.Name, $"{method.Description}, as asked");
        if (plan.Choices.MlpTiles > 1) yield return new("MLP tiles", plan.Choices.MlpTiles.ToString(CultureInfo.InvariantCulture), plan.Options.MlpTiles is null ? "hidden layers of a tile of tokens at a time; they are computed again in the backward pass" : "as asked");
    }

    private static PlanReason Release(TrainingPlan plan)
    {
        if (plan.Choices.Release) return new("gradients", "released", "each weight is updated as soon as its gradient is complete, and the bytes are used again");
        if (plan.Choices.MicroBatchRows != plan.Options.Rows) return new("gradients", "accumulated", "micro-batches add to one gradient for each weight, which must live through the step");
        return new("gradients", "kept", "there is room to hold them all to the end of the step");
    }

    private static PlanReason Clipping(TrainingPlan plan)
    {
        TrainingOptions options = plan.Options;
        if (options.ClipNorm == 0) return new("clipping", "none", "as asked");
        string norm = options.ClipNorm.ToString(CultureInfo.InvariantCulture);
        return options.ClipScope == ClipScope.Global
            ? new("clipping", $"global norm {norm}", "the norm needs every gradient, so releasing gradients early saves nothing")
            : new("clipping", $"norm {norm} per weight", "needs no other weight's gradient, so gradients can be released early without changing a number");
    }

    private static PlanReason Optimizer(TrainingPlan plan)
    {
        long state = plan.Program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.OptimizerState).Sum(static v => v.Bytes);
        return new("optimizer", plan.Options.Optimizer.Name, $"keeps {new ByteSize(state)} of state in f32");
    }

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
