using Ration.Graphs;
using Ration.Graphs.Elementwise;

namespace Ration.Optimizers;

/// <summary>
/// AdaLomo (Lv et al. 2024, "AdaLomo: Low-memory Optimization with Adaptive Learning Rate", algorithm 1): the second moment by non-negative
/// factors of rank one, and each parameter's update normalized by itself, û = u/max(1, RMS(u)) · max(ε, RMS(p)), in the place of clipping by
/// the norm of all gradients. Gradients are never held: each update runs as soon as its gradient is complete.
/// </summary>
/// <param name="DecayExponent">c in 1 − t⁻ᶜ, the decay of the second moment at step t; in (0, 1]; as in the authors' code.</param>
/// <param name="Epsilon1">Added to squared gradients.</param>
/// <param name="Epsilon2">ε: the least scale of a parameter, so that one that is zero can move.</param>
public sealed record AdaLomo(float DecayExponent = 0.8f, float Epsilon1 = 1e-30f, float Epsilon2 = 1e-3f) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "adalomo";

    /// <inheritdoc/>
    public bool ReleasesGradients => true;

    /// <inheritdoc/>
    public double RateShare => 10;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        DecayExponent = numbers.Part("decay-exponent", DecayExponent),
        Epsilon1 = numbers.Positive("epsilon1", Epsilon1),
        Epsilon2 = numbers.Positive("epsilon2", Epsilon2),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        Value normalized = FactoredSecondMoment.Normalize(u, u.Scalar("adalomo.decay", step => 1 - Math.Pow(step.Number, -(double)DecayExponent)), Epsilon1);
        Expression clip = Expression.Maximum(1f, FactoredSecondMoment.RootMeanSquare(u, normalized, "update_square"));
        Expression scale = Expression.Maximum(Epsilon2, FactoredSecondMoment.RootMeanSquare(u, u.Parameter.Value, "parameter_square"));
        u.Assign(u.Parameter, u.Parameter - (u.LearningRate * scale / clip * new Load(normalized)));
    }
}
