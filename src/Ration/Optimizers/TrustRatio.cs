using Ration.Graphs.Elementwise;

namespace Ration.Optimizers;

/// <summary>How far a parameter may move in proportion to its size, for rules that scale the step of each parameter by norms.</summary>
internal static class TrustRatio
{
    /// <summary>
    /// The quotient of two scalars, or one where either is zero: a parameter that starts at zero could never leave it otherwise.
    /// </summary>
    /// <param name="numerator">Not negative.</param>
    /// <param name="denominator">Not negative.</param>
    public static Expression Of(Expression numerator, Expression denominator)
    {
        Expression defined = Expression.Sign(numerator) * Expression.Sign(denominator), undefined = 1f - defined;
        return (defined * numerator / (denominator + undefined)) + undefined;
    }
}
