using Ration.Planning.Passes;

namespace Ration.Planning;

/// <summary>Methods that a plan chose where the run left them open.</summary>
/// <param name="Rule">The name of the update rule, or null for the run's own.</param>
/// <param name="State">How optimizer state is stored, or null for as the run says.</param>
public sealed record MethodChoices(string? Rule = null, StateFormat? State = null)
{
    /// <summary>Everything as the run asks.</summary>
    public static MethodChoices AsAsked { get; } = new();

    /// <summary>What these choices may do to the numbers.</summary>
    public MethodQuality Quality => Rule is not null ? MethodQuality.Any : State is null or StateFormat.F32 ? MethodQuality.Exact : MethodQuality.High;
}
