using Ration.Graphs.Elementwise;
using Ration.Tensors;

namespace Ration.Optimizers.Parts;

/// <summary>
/// Keeps the norm of what is added to a parameter from growing faster than by a factor a step (the norm-growth limiter of
/// Fira, Chen et al. 2024, which APOLLO, Zhu et al. 2024, takes over): if ‖x‖ > γ·‖x′‖, where x′ is what the step before let through, x becomes x·γ‖x′‖/‖x‖. One scalar of
/// state.
/// </summary>
internal static class NormGrowthLimiter
{
    /// <summary>The factor for x, in (0, 1].</summary>
    /// <param name="u">The update.</param>
    /// <param name="norm">‖x‖.</param>
    /// <param name="growth">γ, at least 1.</param>
    public static Load Factor(UpdateBuilder u, Expression norm, float growth)
    {
        // After a norm of zero, which is also what there is before the first step, any is let through: growth from nothing has no measure.
        Load last = u.State("norm", Shape.Scalar);
        Expression limit = (last * growth) + ((1f - Expression.Sign(last)) * 1e30f);
        return new Load(u.Tensor("limiter", Expression.Minimum(1f, limit / (norm + 1e-30f)), (last, Expression.Minimum(norm, limit))));
    }
}
