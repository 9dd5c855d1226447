namespace Ration.Planning;

/// <summary>What a method of saving memory may do to the numbers.</summary>
public enum MethodQuality
{
    /// <summary>Nothing: results are the same bit for bit, or to rounding where sums are added in another order.</summary>
    Exact,

    /// <summary>Gradients differ by small rounding errors, as those of a shorter floating-point format.</summary>
    High,

    /// <summary>Gradients are estimates; training goes another way to about the same place.</summary>
    Any,
}
