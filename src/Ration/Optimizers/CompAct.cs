using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Optimizers.Parts;

namespace Ration.Optimizers;

/// <summary>
/// Adam in the space that gradients are compressed to (Shamshoum et al. 2024, "CompAct: Compressed Activations for Memory-Efficient LLM
/// Training"). Of a weight [n, m] of a linear layer there is only the gradient times a random projection P [m, r] (<see cref="GradientCompression"/>):
/// sums of it over micro-batches, its clipping and two moments are [n, r], and only the step N is brought back, as N·Pᵀ. Clipping by a norm
/// goes by that of G·P, whose square is that of G in the mean. A renewal of P leaves the moments as they are, as one of <see cref="GaLore"/>'s basis
/// does; period and scale are GaLore's too. All else is under <see cref="AdamW"/>. (The authors' code, NitzanHod/compact, draws a P for each weight,
/// where here layers that read the same input share one, and slows the attention's last layer by the scale as well, times a factor of its own, one by
/// default; here only compressed weights have the scale. Its commands renew P every 50 steps at r = m/4 and every 200 at m/2.)
/// </summary>
/// <param name="Rank">r; null for a quarter of m.</param>
/// <param name="Period">Steps from one P to the next, at least 1.</param>
/// <param name="Scale">The learning rate of compressed weights as a share of the others'.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="Seed">Decides the projections.</param>
public sealed record CompAct(
    int? Rank = null, int Period = 200, float Scale = 0.25f, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f, float WeightDecay = 0,
    ulong Seed = 1) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "compact";

    /// <inheritdoc/>
    public double RateShare => 2;

    /// <inheritdoc/>
    public GradientCompression? Compression => new(Rank, Period, Seed);

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Period = numbers.Count("period", Period),
        Scale = numbers.Positive("scale", Scale),
        Beta1 = numbers.Share("beta1", Beta1),
        Beta2 = numbers.Share("beta2", Beta2),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        if (!u.IsCompressed)
        {
            new AdamW(Beta1, Beta2, Epsilon, WeightDecay).Update(u);
            return;
        }

        Value direction = new AdamMoments(Beta1, Beta2, Epsilon).Direction(u, u.GradientTensor);
        Value lifted = u.MatMul(direction, u.Projection(), transposeB: true, name: "lifted");
        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * Scale * new Load(lifted)));
    }
}
