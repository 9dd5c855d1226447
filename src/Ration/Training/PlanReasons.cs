using System.Globalization;
using Ration.Memory;
using Ration.Planning;

namespace Ration.Training;

/// <summary>Puts the planner's decisions into words.</summary>
internal static class PlanReasons
{
    /// <summary>A reason for each choice.</summary>
    public static IReadOnlyList<PlanReason> Explain(TrainingPlan plan, PlanningResult search) =>
        [MicroBatch(plan, search), Recomputation(plan, search), Release(plan), Clipping(plan), Optimizer(plan)];

    private static PlanReason MicroBatch(TrainingPlan plan, PlanningResult search)
    {
        int rows = plan.Choices.MicroBatchRows, all = plan.Options.Rows;
        string choice = $"{rows} of {all} rows";
        if (plan.Options.Optimizer.GradientParts > 0) return new("micro-batch", choice, $"{plan.Options.Optimizer.Name} compares the gradients of {all / rows} parts of a step");
        if (plan.Options.MicroBatchRows is not null) return new("micro-batch", choice, "as asked");
        if (plan.Options.Optimizer.ReleasesGradients) return new("micro-batch", choice, $"{plan.Options.Optimizer.Name} never holds gradients, so there is nothing to add parts up in");
        if (plan.Options is { ClipNorm: > 0, ClipScope: ClipScope.TwoPass }) return new("micro-batch", choice, "clipping in two passes is there to hold no gradients, so there is nothing to add parts up in");
        if (rows == all) return new("micro-batch", choice, "the whole step fits at once, and reading the weights once is fastest");
        double faster = Slowdown(plan, search, c => c.MicroBatchRows == all && c.Release);
        return new("micro-batch", choice, faster > 1
            ? string.Create(CultureInfo.InvariantCulture, $"all rows at once would fit only with more recomputation, {100 * (faster - 1):0} % slower")
            : $"activations of {all} rows do not fit; gradients of {all / rows} parts are added up instead");
    }

    private static PlanReason Recomputation(TrainingPlan plan, PlanningResult search)
    {
        RecomputeChoice choice = plan.Choices.Recompute;
        if (plan.Options.Recompute is not null) return new("recompute", choice.ToString(), "as asked");
        if (choice.Mode == RecomputeMode.None) return new("recompute", choice.ToString(), "everything fits, so nothing is computed twice");
        double slower = Seconds(search, plan.Choices) / Seconds(search, plan.Choices with { Recompute = new RecomputeChoice(RecomputeMode.None) });
        string what = choice switch
        {
            { Mode: RecomputeMode.SquareRoot } => "only the input of every few blocks is kept",
            { Blocks: 0 } => "norms and activation functions are forgotten and computed again",
            _ => $"norms and activation functions, and all of {choice.Blocks} of {plan.Options.Model.Layers} blocks, are computed again",
        };
        string price = double.IsNaN(slower) ? "" : string.Create(CultureInfo.InvariantCulture, $"; about {100 * (slower - 1):0.#} % slower");
        return new("recompute", choice.ToString(), what + price);
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
