using Ration.Graphs;
using Ration.Graphs.Elementwise;

namespace Ration.Optimizers;

/// <summary>
/// VRGD (Jiang et al. 2023, "Accelerating Large Batch Training via Gradient Signal to Noise Ratio"): before another rule sees it, each element of
/// the gradient is multiplied by its signal-to-noise ratio r = g²/σ², where σ² is its variance over the parts of a step; r is divided by its
/// mean over the parameter and held to [γ, 1]. For large batches. It takes the gradient's sum of squares beside its sum, and one state of the
/// parameter's size where ratios are averaged over steps. With one part there is no variance, so a step must have two.
/// </summary>
/// <param name="Inner">The rule that gets the gradient.</param>
/// <param name="Parts">Into how many equal parts a step is divided, at least 2; another number gives other updates.</param>
/// <param name="Gamma">γ: the least that is left of an element, in (0, 1].</param>
/// <param name="Beta3">Decay of the mean of ratios over steps, in [0, 1); 0 for the ratio of the step alone, as with plain descent.</param>
public sealed record Vrgd(IOptimizer Inner, int Parts, float Gamma = 0.1f, float Beta3 = 0) : IOptimizer
{
    // What two f32 sums of the same numbers differ by: no ratio is known more closely.
    private const float Rounding = 1e-7f;

    // Keeps zero gradients from dividing zero by zero.
    private const float Least = 1e-30f;

    /// <inheritdoc/>
    public string Name => $"vr-{Inner.Name}";

    /// <summary>Parts of a step.</summary>
    public int Parts { get; } = Parts >= 2 ? Parts : throw new InvalidInputException(
        $"vr-{Inner.Name} compares the gradients of the parts of a step, and there is {Parts}: give a --batch of at least two rows; where it has them, a --micro-batch of fewer rows than that");

    /// <inheritdoc/>
    public int GradientParts => Parts;

    /// <inheritdoc/>
    public double RateShare => Inner.RateShare;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Inner = Inner.WithNumbers(numbers),
        Gamma = numbers.Part("gamma", Gamma),
        Beta3 = numbers.Share("beta3", Beta3),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        GradientMoments moments = u.Moments ?? throw new InvalidOperationException($"{Name} was given no squares of the gradients of {u.Name}");
        Load sum = new(moments.Sum);
        Expression square = sum * sum;
        Expression variance = Expression.Maximum((moments.Parts * new Load(moments.Squares)) - square, (square * Rounding) + Least);
        Value ratio = u.Tensor("signal_to_noise", square / variance);
        Expression mean = u.Sum(ratio, "mean") * (float)(1.0 / u.Shape.Elements);
        Expression confined = Expression.Minimum(1f, Expression.Maximum(Gamma, new Load(ratio) / (mean + Least)));
        if (Beta3 == 0)
        {
            u.Apply(Inner, u.Gradient * confined);
            return;
        }

        Load average = u.State("signal_to_noise", nonNegative: true);
        Expression next = Expression.Lerp(average, confined, 1 - Beta3);
        Expression scale = u.Scalar("vrgd.scale", step => 1 / (1 - Math.Pow(Beta3, step.Number)));
        u.Apply(Inner, u.Gradient * next * scale);
        u.Assign(average, next);
    }
}
