using Ration.Graphs.Elementwise;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// SlimFit (Ardakani et al. 2023, "SlimFit: Memory-Efficient Fine-Tuning of Transformer-based Models Using Training Dynamics"): AdamW in every step
/// of the few layers that moved most when they were last trained (<see cref="LayerFreezing"/>). All others stand still: their weights, their
/// state and their distance stay, their gradients are not computed, and their inputs need not wait for the backward pass. What is no layer,
/// as biases, is trained always. State is kept for all layers; how often a layer was trained is what corrects its means. A distance is the
/// mean of |Δw| / |w|, where the authors' code divides by zero an element counts nothing.
/// </summary>
/// <param name="Frozen">F: the share of the layers that stand still, in [0, 1).</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step in which it is trained and unit of learning rate.</param>
/// <param name="Seed">Decides in which order layers are tried.</param>
public sealed record SlimFit(
    double Frozen = 0.9, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f, float WeightDecay = 0.01f, ulong Seed = 1) : IOptimizer
{
    // A layer that was trained and did not move at all has this distance: 0 is for those that never were.
    private const float LeastDistance = 1e-30f;

    /// <inheritdoc/>
    public string Name => "slimfit";

    /// <inheritdoc/>
    public double RateShare => 4;

    /// <inheritdoc/>
    public bool TrainsAllInEveryStep => false;

    /// <inheritdoc/>
    public LayerFreezing? Freezing => new(Frozen, Seed);

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Frozen = numbers.Share("frozen", Frozen),
        Beta1 = numbers.Share("beta1", Beta1),
        Beta2 = numbers.Share("beta2", Beta2),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        if (!LayerFreezing.Takes(u.Parameter.Value))
        {
            new AdamW(Beta1, Beta2, Epsilon, WeightDecay).Update(u);
            return;
        }

        LayerFreezing freezing = new(Frozen, Seed);
        Load first = u.State("first_moment"), second = u.State("second_moment", nonNegative: true);
        Load firstWeight = u.State("first_weight", Shape.Scalar), secondWeight = u.State("second_weight", Shape.Scalar), distance = u.State("distance", Shape.Scalar);
        int number = u.Measure(distance), layers = u.Graph.Persistent.Count(LayerFreezing.Takes);
        Load trained = u.Scalar(LayerFreezing.ScalarOf(u.Name), step => freezing.IsTrained(number, step.Measured.Span) ? 1 : 0);
        using IDisposable turn = u.Graph.When(trained.Value, (double)freezing.Trained(layers) / layers);

        // The same means of ones instead of gradients: 1 − βⁿ after n updates of the layer, and without cancellation.
        u.AssignNow(firstWeight, Expression.Lerp(firstWeight, 1f, 1 - Beta1));
        u.AssignNow(secondWeight, Expression.Lerp(secondWeight, 1f, 1 - Beta2));
        Expression mean = Expression.Lerp(first, u.Gradient, 1 - Beta1);
        Expression square = Expression.Lerp(second, u.Gradient * u.Gradient, 1 - Beta2);
        Expression direction = mean / firstWeight / (Expression.SquareRoot(square / secondWeight) + Epsilon);
        Expression step = u.LearningRate * (u.IsMatrix ? direction + (WeightDecay * u.Parameter) : direction);
        u.Assign(u.Parameter, u.Parameter - step);
        u.Assign(first, mean);
        u.Assign(second, square);

        // |Δw| / |w|, and nothing for w = 0.
        Expression change = Expression.Absolute(step * u.Parameter) / ((u.Parameter * u.Parameter) + 1e-30f);
        Load sum = u.Sum(u.AssignAllWith("relative_change", change), "relative_changes");
        u.AssignNow(distance, Expression.Maximum(sum * (1f / u.Shape.Elements), LeastDistance));
    }
}
