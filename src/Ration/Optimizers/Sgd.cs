using Ration.Graphs.Elementwise;

namespace Ration.Optimizers;

/// <summary>
/// Stochastic gradient descent with momentum (Sutskever et al. 2013, in the form v = μv + g, p = p − ηv) and decoupled weight decay;
/// one state, or none without momentum.
/// </summary>
/// <param name="Momentum">μ, in [0, 1).</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
public sealed record Sgd(float Momentum = 0.9f, float WeightDecay = 0) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => Momentum == 0 ? "sgd-plain" : "sgd";

    /// <inheritdoc/>
    public double RateShare => 50 * (1 - Momentum);

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        // Without momentum it is another rule, which has no state.
        Momentum = Momentum == 0 ? 0 : numbers.Share("momentum", Momentum),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        Expression step = u.Gradient;
        if (Momentum != 0)
        {
            Load velocity = u.State("velocity");
            step = (velocity * Momentum) + u.Gradient;
            u.Assign(velocity, step);
        }

        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * step));
    }
}
