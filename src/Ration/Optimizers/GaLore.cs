using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Optimizers.LowRank;
using Ration.Optimizers.Parts;

namespace Ration.Optimizers;

/// <summary>
/// Adam in a subspace that follows the gradient (Zhao et al. 2024, "GaLore", algorithm 2). Of a hidden matrix [m, n], m ≤ n, the state is a
/// basis [m, r] and two moments [r, n]; a renewal of the basis leaves the moments as they are. All else is under <see cref="AdamW"/>, as in the
/// authors' code. The subspace is found by power iterations where theirs is by a singular value decomposition.
/// </summary>
/// <param name="Rank">r; null for a quarter of the matrix' shorter side.</param>
/// <param name="Period">T: steps from one subspace to the next, at least 1.</param>
/// <param name="Scale">α: the learning rate of projected matrices as a share of the others'.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="PowerIterations">Iterations of a renewal, at least 1; see <see cref="Subspace.Iterate"/>.</param>
/// <param name="Seed">Decides the first subspace.</param>
public sealed record GaLore(
    int? Rank = null, int Period = 200, float Scale = 0.25f, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f, float WeightDecay = 0,
    int PowerIterations = 2, ulong Seed = 1) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "galore";

    /// <inheritdoc/>
    public double RateShare => 1 / Scale;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Period = numbers.Count("period", Period),
        Scale = numbers.Positive("scale", Scale),
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
        Value basis = subspace.FollowingGradient(Period, PowerIterations, Seed);
        Value direction = new AdamMoments(Beta1, Beta2, Epsilon).Direction(u, subspace.Project(basis));
        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * Scale * new Load(subspace.Lift(basis, direction))));
    }
}
