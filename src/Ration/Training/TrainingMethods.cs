using Ration.Planning;
using Ration.Planning.Passes;

namespace Ration.Training;

/// <summary>A combination of methods that a plan may try.</summary>
/// <param name="Methods">The update rule and the storage of its state and of weights.</param>
/// <param name="Activations">How activations wait for the backward pass.</param>
internal sealed record TrainingMethod(MethodChoices Methods, ActivationMethod Activations)
{
    /// <summary>What the combination may do to the numbers.</summary>
    public MethodQuality Quality => Methods.Quality > Activations.Quality ? Methods.Quality : Activations.Quality;
}

/// <summary>Which methods a plan may choose by itself: those that the quality allows, where the run has not named one.</summary>
internal static class TrainingMethods
{
    // Rules whose state is small and that train near AdamW at the rates that follow from its own, the most alike first.
    private static readonly string[] s_rules = ["galore", "apollo", "apollo-mini", "adalomo"];

    /// <summary>All combinations, the exact one first.</summary>
    public static IReadOnlyList<TrainingMethod> Of(TrainingOptions options)
    {
        ActivationMethod[] activations = options.Activations is { } pinned ? [pinned] : [.. ActivationMethods.All.Where(m => m.IsChosenByPlans && m.Quality <= options.Quality)];
        StateFormat?[] states = options.State is not null || options.Quality == MethodQuality.Exact ? [null] : [null, StateFormat.BF16, StateFormat.EightBit, StateFormat.FourBit];
        string?[] rules = options.RuleSettings is null || options.Quality != MethodQuality.Any ? [null] : [null, .. s_rules];
        WeightFormat?[] weights = options.Weights is not null ? [null] : options.Quality switch
        {
            MethodQuality.Exact => [null],
            MethodQuality.High => [null, WeightFormat.BF16],
            _ => [null, WeightFormat.BF16, WeightFormat.Int8],
        };
        // State in 8 bits saves more than weights and costs less, and in 4 bits is for what weights then leave. Another rule is for where memory is very
        // short: there only the extremes of the rest matter, and its own state is small.
        bool IsWorthwhile(string? rule, StateFormat? state, WeightFormat? held, ActivationMethod kept) =>
            (held is null || states.Length == 1 || state is StateFormat.EightBit or StateFormat.FourBit)
            && (state != StateFormat.FourBit || held == weights[^1])
            && (rule is null || ((state is null or StateFormat.EightBit) && (held is null || held == weights[^1]) && (kept == activations[0] || kept == activations[^1])));
        return
        [
            .. from rule in rules from state in states from held in weights from kept in activations
               where IsWorthwhile(rule, state, held, kept) select new TrainingMethod(new MethodChoices(rule, state, held), kept),
        ];
    }
}
