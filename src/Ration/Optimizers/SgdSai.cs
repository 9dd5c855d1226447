using Ration.Graphs.Elementwise;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// SGD-SaI (Xu et al. 2024, "No More Adam: Learning Rate Scaling at Initialization is All You Need"): momentum, with the learning rate of
/// each parameter scaled, for good, by the signal-to-noise ratio ‖g‖/(σ(g) + ε) of its first gradient; one state of the parameter's size and
/// a scalar. Vectors are not decayed. A parameter whose first gradient is zero keeps a ratio of 0 and only decays, in the authors' code too, which
/// begins with m = g.
/// </summary>
/// <param name="Momentum">μ in m = μm + (1 − μ)g, in [0, 1).</param>
/// <param name="Epsilon">Added to the standard deviation of the first gradient's elements.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
public sealed record SgdSai(float Momentum = 0.9f, float Epsilon = 1e-8f, float WeightDecay = 0.01f) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "sgd-sai";

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Momentum = numbers.Share("momentum", Momentum),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        Load momentum = u.State("momentum"), ratio = u.State("signal_to_noise", Shape.Scalar);
        u.AssignNow(momentum, Expression.Lerp(momentum, u.Gradient, 1 - Momentum));

        // After the first step momentum is (1 − μ)g and has g's ratio; so no copy of the gradient is needed. The authors' code divides by
        // the greatest ratio of all parameters besides, which would need every gradient: that is left to the learning rate.
        using (u.AtFirst())
        {
            float share = (float)(1.0 / u.Shape.Elements);
            Expression meanSquare = u.SquaredNorm(momentum.Value, "square") * share, mean = u.Sum(momentum.Value, "sum") * share;
            Expression deviation = Expression.SquareRoot(Expression.Maximum(0f, meanSquare - (mean * mean)));
            Expression norm = Expression.SquareRoot(meanSquare) * (float)Math.Sqrt(u.Shape.Elements);
            u.AssignNow(ratio, norm / (deviation + (Epsilon * (1 - Momentum))));
        }

        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * ratio * momentum));
    }
}
