using Ration.Graphs.Elementwise;
using Ration.Optimizers.Parts;

namespace Ration.Optimizers;

/// <summary>
/// Muon (Jordan et al. 2024): momentum in Nesterov's form, orthogonalized by five steps of Newton and Schulz, so that every direction of a
/// matrix moves equally far. The update is scaled by 0.2·√max(m, n) and weights decay (Liu et al. 2025, "Muon is Scalable for LLM
/// Training", equation 4): its root mean square is then that of AdamW's, so one learning rate and decay serve all parameters. One state of
/// the parameter's size; what is not a matrix of a block is updated by AdamW, with two.
/// </summary>
/// <param name="Momentum">μ, in [0, 1).</param>
/// <param name="Rms">Root mean square of an update of a matrix, per unit of learning rate.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="Beta1">AdamW's decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">AdamW's decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of AdamW's second mean.</param>
public sealed record Muon(
    float Momentum = 0.95f, float Rms = 0.2f, float WeightDecay = 0.1f, float Beta1 = 0.9f, float Beta2 = 0.95f, float Epsilon = 1e-8f) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "muon";

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Momentum = numbers.Share("momentum", Momentum),
        Rms = numbers.Positive("rms", Rms),
        Beta1 = numbers.Share("beta1", Beta1),
        Beta2 = numbers.Share("beta2", Beta2),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        if (u.IsLeftTo(new AdamW(Beta1, Beta2, Epsilon, WeightDecay))) return;

        Load velocity = u.State("velocity");
        Expression next = (velocity * Momentum) + u.Gradient;
        Load direction = new(NewtonSchulz.Orthogonalize(u, u.Tensor("nesterov", u.Gradient + (next * Momentum), (velocity, next))));
        float scale = Rms * MathF.Sqrt(Math.Max(u.Shape[0], u.Shape[1]));
        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * scale * direction));
    }
}
