using Ration.Graphs;
using Ration.Graphs.Elementwise;

namespace Ration.Optimizers.LowRank;

/// <summary>Adam on a projected gradient (Kingma and Ba 2015, algorithm 1): two states of its shape.</summary>
/// <param name="Beta1">Decay of the mean of gradients.</param>
/// <param name="Beta2">Decay of the mean of squared gradients.</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
internal readonly record struct SubspaceAdam(double Beta1, double Beta2, float Epsilon)
{
    /// <summary>The two states, means of the projected gradient and of its square.</summary>
    public static (Load First, Load Second) Moments(UpdateBuilder u, Subspace subspace) =>
        (u.State("first_moment", subspace.ProjectedShape), u.State("second_moment", subspace.ProjectedShape));

    /// <summary>The step in the subspace, learning rate and scale included; renews the moments.</summary>
    public Value Step(UpdateBuilder u, (Load First, Load Second) moments, Expression gradient, float scale)
    {
        (double beta1, double beta2) = (Beta1, Beta2);
        Expression mean = Expression.Lerp(moments.First, gradient, (float)(1 - beta1));
        Expression square = Expression.Lerp(moments.Second, gradient * gradient, (float)(1 - beta2));
        Expression meanScale = u.Scalar("subspace.meanScale", step => scale * step.LearningRate / (1 - Math.Pow(beta1, step.Number)));
        Expression rootScale = u.Scalar("subspace.rootScale", step => 1 / Math.Sqrt(1 - Math.Pow(beta2, step.Number)));
        return u.Tensor(
            "step", mean * meanScale / ((Expression.SquareRoot(square) * rootScale) + Epsilon), (moments.First, mean), (moments.Second, square));
    }
}
