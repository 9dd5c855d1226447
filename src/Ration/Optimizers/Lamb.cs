using Ration.Graphs;
using Ration.Graphs.Elementwise;

namespace Ration.Optimizers;

/// <summary>
/// LAMB (You et al. 2020, "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", algorithm 2): Adam's direction with
/// decay, scaled for each parameter to the parameter's norm (φ is the identity, as in the paper's experiments); two states of the
/// parameter's size. For large batches. Vectors are not decayed.
/// </summary>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">λ: how much of the parameter is added to the direction.</param>
public sealed record Lamb(float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-6f, float WeightDecay = 0.01f) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "lamb";

    /// <inheritdoc/>
    public double RateShare => 4;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Beta1 = numbers.Share("beta1", Beta1),
        Beta2 = numbers.Share("beta2", Beta2),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        Load first = u.State("first_moment"), second = u.State("second_moment", nonNegative: true);
        Expression mean = Expression.Lerp(first, u.Gradient, 1 - Beta1);
        Expression square = Expression.Lerp(second, u.Gradient * u.Gradient, 1 - Beta2);
        Expression meanScale = u.Scalar("lamb.meanScale", step => 1 / (1 - Math.Pow(Beta1, step.Number)));
        Expression rootScale = u.Scalar("lamb.rootScale", step => 1 / Math.Sqrt(1 - Math.Pow(Beta2, step.Number)));
        Expression direction = mean * meanScale / ((Expression.SquareRoot(square) * rootScale) + Epsilon);
        if (u.IsMatrix) direction += WeightDecay * u.Parameter;
        Value step = u.Tensor("direction", direction, (first, mean), (second, square));
        Expression parameterNorm = Expression.SquareRoot(u.SquaredNorm(u.Parameter.Value, "parameter_square"));
        Expression ratio = TrustRatio.Of(parameterNorm, Expression.SquareRoot(u.SquaredNorm(step, "direction_square")));
        u.Assign(u.Parameter, u.Parameter - (u.LearningRate * ratio * new Load(step)));
    }
}
