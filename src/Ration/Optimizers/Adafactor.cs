using Ration.Graphs;
using Ration.Graphs.Elementwise;

namespace Ration.Optimizers;

/// <summary>
/// Adafactor (Shazeer and Stern 2018, algorithms 4 and 5 with the decay of section 7.1): Adam's second moment in rows + columns numbers a
/// matrix, no first moment, and updates whose root mean square is at most d. The run gives the learning rate, in the place of the paper's
/// relative step size.
/// </summary>
/// <param name="ClipThreshold">d: the greatest root mean square of an update before the learning rate.</param>
/// <param name="DecayExponent">c in β₂ = 1 − t⁻ᶜ, the decay of the second moment at step t; in (0, 1].</param>
/// <param name="ScaleByParameter">Whether a step is multiplied by the parameter's root mean square (algorithm 5's max(ε₂, RMS(X))).</param>
/// <param name="Beta1">Decay of a mean of updates, in [0, 1); 0 keeps none, and no state for it.</param>
/// <param name="Epsilon1">Added to squared gradients.</param>
/// <param name="Epsilon2">The least scale of a parameter, so that one that is zero can move.</param>
public sealed record Adafactor(
    float ClipThreshold = 1, float DecayExponent = 0.8f, bool ScaleByParameter = false, float Beta1 = 0, float Epsilon1 = 1e-30f, float Epsilon2 = 1e-3f) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "adafactor";

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        ClipThreshold = numbers.Positive("clip-threshold", ClipThreshold),
        DecayExponent = numbers.Part("decay-exponent", DecayExponent),
        Beta1 = numbers.Share("beta1", Beta1),
        Epsilon1 = numbers.Positive("epsilon1", Epsilon1),
        Epsilon2 = numbers.Positive("epsilon2", Epsilon2),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        Value normalized = FactoredSecondMoment.Normalize(u, u.Scalar("adafactor.decay", step => 1 - Math.Pow(step.Number, -(double)DecayExponent)), Epsilon1);
        Expression clip = Expression.Maximum(1f, FactoredSecondMoment.RootMeanSquare(u, normalized, "update_square") / ClipThreshold);
        Expression rate = u.LearningRate;
        if (ScaleByParameter) rate *= Expression.Maximum(Epsilon2, FactoredSecondMoment.RootMeanSquare(u, u.Parameter.Value, "parameter_square"));
        Expression step = new Load(normalized) / clip;
        if (Beta1 != 0)
        {
            Load momentum = u.State("momentum");
            step = Expression.Lerp(momentum, step, 1 - Beta1);
            u.Assign(momentum, step);
        }

        u.Assign(u.Parameter, u.Parameter - (rate * step));
    }
}
