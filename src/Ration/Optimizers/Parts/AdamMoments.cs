using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Tensors;

namespace Ration.Optimizers.Parts;

/// <summary>
/// Adam (Kingma and Ba 2015, algorithm 1) on a tensor that is not the parameter's gradient itself but made from it, for example a
/// projection: two states of that tensor's shape.
/// </summary>
/// <param name="Beta1">Decay of the mean, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squares, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
internal readonly record struct AdamMoments(float Beta1, float Beta2, float Epsilon)
{
    /// <summary>The two states of a shape, for a rule that changes them itself.</summary>
    public static (Load First, Load Second) Declare(UpdateBuilder u, Shape shape) => (u.State("first_moment", shape), u.State("second_moment", shape, nonNegative: true));

    /// <summary>The direction m̂/(√v̂ + ε) as a tensor; the moments take the gradient in.</summary>
    /// <param name="u">The update.</param>
    /// <param name="gradient">What the moments are of.</param>
    /// <param name="period">The moments begin at zero again every so many steps; 0 for never.</param>
    public Value Direction(UpdateBuilder u, Value gradient, int period = 0) => Direction(u, gradient, Declare(u, gradient.Shape), period);

    /// <summary>As <see cref="Direction(UpdateBuilder, Value, int)"/>, with moments that were declared before.</summary>
    public Value Direction(UpdateBuilder u, Value gradient, (Load First, Load Second) moments, int period = 0)
    {
        (Load first, Load second) = moments;
        Load g = new(gradient);
        (double beta1, double beta2) = (Beta1, Beta2);
        Expression oldFirst = first, oldSecond = second;
        if (period > 0)
        {
            Load kept = u.Scalar($"kept.{period}", step => Age(step, period) == 1 ? 0 : 1);
            (oldFirst, oldSecond) = (first * kept, second * kept);
        }

        Expression mean = Expression.Lerp(oldFirst, g, 1 - Beta1), square = Expression.Lerp(oldSecond, g * g, 1 - Beta2);
        Load meanScale = u.Scalar($"moments.{period}.mean", step => 1 / (1 - Math.Pow(beta1, Age(step, period))));
        Load rootScale = u.Scalar($"moments.{period}.root", step => 1 / Math.Sqrt(1 - Math.Pow(beta2, Age(step, period))));
        return u.Tensor("direction", mean * meanScale / ((Expression.SquareRoot(square) * rootScale) + Epsilon), (first, mean), (second, square));
    }

    // Gradients taken in since the moments began, this one included.
    private static long Age(StepState step, int period) => period == 0 ? step.Number : ((step.Number - 1) % period) + 1;
}
