using Ration.Graphs.Elementwise;

namespace Ration.Optimizers;

/// <summary>
/// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2): every element moves by the learning rate, in the
/// direction of the sign of a mean of gradients; one state of the parameter's size. It wants a learning rate three to ten times smaller
/// than Adam's, and a decay as many times larger. Vectors are not decayed.
/// </summary>
/// <param name="Beta1">Share of the momentum in the direction of a step, in [0, 1).</param>
/// <param name="Beta2">Decay of the momentum, in [0, 1).</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
public sealed record Lion(float Beta1 = 0.9f, float Beta2 = 0.99f, float WeightDecay = 0.3f) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "lion";

    /// <inheritdoc/>
    public double RateShare => 0.3;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Beta1 = numbers.Share("beta1", Beta1),
        Beta2 = numbers.Share("beta2", Beta2),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        Load momentum = u.State("momentum");
        Expression direction = Expression.Sign(Expression.Lerp(momentum, u.Gradient, 1 - Beta1));
        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * direction));
        u.Assign(momentum, Expression.Lerp(momentum, u.Gradient, 1 - Beta2));
    }
}
