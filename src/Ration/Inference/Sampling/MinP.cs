namespace Ration.Inference.Sampling;

/// <summary>Keeps tokens that are at least so likely as a part of the likeliest (Nguyen et al. 2024, algorithm 1).</summary>
/// <param name="part">Above 0, at most 1.</param>
public sealed class MinP(float part) : ISamplingStep
{
    /// <inheritdoc/>
    public void Apply(Candidates candidates)
    {
        // p ≥ part · p_max, in logarithms.
        candidates.KeepAtLeast(candidates.Greatest() + MathF.Log(part));
    }
}
