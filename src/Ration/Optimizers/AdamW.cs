using Ration.Graphs.Elementwise;

namespace Ration.Optimizers;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2): two states of the parameter's size. Vectors (norm gains,
/// biases) are not decayed.
/// </summary>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
public sealed record AdamW(float Beta1 = 0.9f, float Beta2 = 0.95f, float Epsilon = 1e-8f, float WeightDecay = 0.1f) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "adamw";

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Beta1 = numbers.Share("beta1", Beta1),
        Beta2 = numbers.Share("beta2", Beta2),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u) => Update(u, Beta1, Beta2, Epsilon, WeightDecay);

    /// <summary>The update with decays in double precision, which those very close to one need.</summary>
    internal static void Update(UpdateBuilder u, double beta1, double beta2, float epsilon, float weightDecay)
    {
        Load first = u.State("first_moment"), second = u.State("second_moment", nonNegative: true);
        Expression mean = Expression.Lerp(first, u.Gradient, (float)(1 - beta1));
        Expression square = Expression.Lerp(second, u.Gradient * u.Gradient, (float)(1 - beta2));
        Expression meanScale = u.Scalar("adamw.meanScale", step => step.LearningRate / (1 - Math.Pow(beta1, step.Number)));
        Expression rootScale = u.Scalar("adamw.rootScale", step => 1 / Math.Sqrt(1 - Math.Pow(beta2, step.Number)));
        u.Assign(u.Parameter, u.Decayed(weightDecay) - (mean * meanScale / ((Expression.SquareRoot(square) * rootScale) + epsilon)));
        u.Assign(first, mean);
        u.Assign(second, square);
    }
}
