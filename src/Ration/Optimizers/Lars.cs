using Ration.Graphs.Elementwise;

namespace Ration.Optimizers;

/// <summary>
/// LARS (You et al. 2017, "Large Batch Training of Convolutional Networks", algorithm 1): momentum, with the learning rate of each parameter
/// scaled by λ = η‖p‖/(‖g‖ + β‖p‖); one state of the parameter's size. For large batches, at learning rates of about 1 to 30. Vectors are
/// not decayed.
/// </summary>
/// <param name="Momentum">m, in [0, 1).</param>
/// <param name="WeightDecay">β: how much of the parameter is added to the gradient.</param>
/// <param name="Trust">η: how far a parameter moves, in proportion to its norm, at a learning rate of 1.</param>
public sealed record Lars(float Momentum = 0.9f, float WeightDecay = 0.0005f, float Trust = 0.001f) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "lars";

    /// <inheritdoc/>
    public double RateShare => 1000;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Momentum = numbers.Share("momentum", Momentum),
        Trust = numbers.Positive("trust", Trust),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        Load velocity = u.State("velocity"), gradient = new(u.GradientTensor);
        float decay = u.IsMatrix ? WeightDecay : 0;
        Expression parameterNorm = Expression.SquareRoot(u.SquaredNorm(u.Parameter.Value, "parameter_square"));
        Expression gradientNorm = Expression.SquareRoot(u.SquaredNorm(gradient.Value, "gradient_square"));
        Expression local = TrustRatio.Of(Trust * parameterNorm, gradientNorm + (decay * parameterNorm));
        Expression next = (Momentum * velocity) + (u.LearningRate * local * (gradient + (decay * u.Parameter)));
        u.Assign(velocity, next);
        u.Assign(u.Parameter, u.Parameter - next);
    }
}
