using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Optimizers.LowRank;
using Ration.Optimizers.Parts;

namespace Ration.Optimizers;

/// <summary>
/// Fira (Chen et al. 2024, algorithm 1): GaLore, and what its subspace leaves out of the gradient as well, so that updates are of full rank.
/// That rest has no moments; each of its channels is scaled as Adam scales the projection of the channel, and a limiter keeps the norm
/// of it from jumping. State of a matrix m × n, m ≤ n: GaLore's m·r + 2·n·r, and one number. What is not a matrix of a block is updated by AdamW.
/// </summary>
/// <param name="Rank">r; null for a quarter of the shorter side.</param>
/// <param name="Period">T: steps from one subspace to the next, at least 1.</param>
/// <param name="Scale">α: the learning rate of matrices of blocks as a share of the others', for both parts; the reference code multiplies by it
/// whatever comes back from the subspace.</param>
/// <param name="Growth">γ: the most by which the norm of the rest grows in a step, at least 1.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="PowerIterations">Iterations of a renewal of the subspace, at least 1; the reference code uses a singular value decomposition.</param>
/// <param name="Seed">Decides the first subspace.</param>
public sealed record Fira(
    int? Rank = null, int Period = 200, float Scale = 0.25f, float Growth = 1.01f, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-6f,
    float WeightDecay = 0, int PowerIterations = 2, ulong Seed = 1) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "fira";

    /// <inheritdoc/>
    public double RateShare => 1 / Scale;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Period = numbers.Count("period", Period),
        Scale = numbers.Positive("scale", Scale),
        Growth = numbers.AtLeastOne("growth", Growth),
        PowerIterations = numbers.Count("power-iterations", PowerIterations, most: 20),
        Beta1 = numbers.Share("beta1", Beta1),
        Beta2 = numbers.Share("beta2", Beta2),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        if (u.IsLeftTo(new AdamW(Beta1, Beta2, Epsilon, WeightDecay))) return;

        Subspace subspace = new(u, Rank);
        Value basis = subspace.FollowingGradient(Period, PowerIterations, Seed), projected = subspace.Project(basis);

        // The moments' bias is corrected before the limiter sees the rest; the reference code corrects it after.
        Value direction = new AdamMoments(Beta1, Beta2, Epsilon).Direction(u, projected);
        Value rest = u.Tensor("rest", new Load(subspace.Gradient) - new Load(subspace.Lift(basis, projected)));
        Expression factor = ChannelScaling.Factor(u, rest, projected, direction, u.Shape[0] < u.Shape[1], Growth);
        Expression step = new Load(subspace.Lift(basis, direction)) + (new Load(rest) * factor);
        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * Scale * step));
    }
}
