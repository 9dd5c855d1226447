using Ration.Planning.Passes;

namespace Ration.Planning;

/// <summary>Methods that a plan chose where the run left them open.</summary>
/// <param name="Rule">The name of the update rule, or null for the run's own.</param>
/// <param name="State">How optimizer state is stored, or null for as the run says.</param>
/// <param name="Weights">How matrices are held, or null for as the run says.</param>
public sealed record MethodChoices(string? Rule = null, StateFormat? State = null, WeightFormat? Weights = null)
{
    /// <summary>Everything as the run asks.</summary>
    public static MethodChoices AsAsked { get; } = new();

    /// <summary>What these choices may do to the numbers.</summary>
    public MethodQuality Quality => Rule is not null || Weights is WeightFormat.Int8 ? MethodQuality.Any
        : (State is null or StateFormat.F32) && (Weights is null or WeightFormat.F32) ? MethodQuality.Exact
        : MethodQuality.High;
}
