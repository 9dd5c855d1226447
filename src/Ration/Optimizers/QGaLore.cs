using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Optimizers.LowRank;
using Ration.Optimizers.Parts;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// <see cref="GaLore"/> with a basis in 4 bits that is renewed the less often the less it moves (Zhang et al. 2024, "Q-GaLore", sections 3.2 and
/// 3.3). Each matrix has an interval of its own, T at first: after k renewals in a row that leave the basis alike, by the cosine of the two as
/// long vectors, every further one doubles it. The paper's quantizer is uniform from the least to the greatest of a block, 256 numbers with a zero
/// that is a whole number; here a block is <see cref="DType.Q4_1"/>, uniform in the same way over 32 numbers, 5 bits a number in all. A rank that
/// is no multiple of 32 has no whole blocks, and its basis stays F32. (The authors' code compares first vectors only, and takes the mean of k.)
/// </summary>
/// <param name="Rank">r; null for a quarter of the matrix' shorter side.</param>
/// <param name="Period">T: steps from one subspace to the next at first, at least 1.</param>
/// <param name="Likeness">Cosine above which two bases are alike, in (0, 1).</param>
/// <param name="Patience">k: renewals that must find the basis alike, at least 1.</param>
/// <param name="Scale">The learning rate of projected matrices as a share of the others'.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="PowerIterations">Iterations of a renewal, at least 1.</param>
/// <param name="Seed">Decides the first subspace.</param>
public sealed record QGaLore(
    int? Rank = null, int Period = 200, float Likeness = 0.4f, int Patience = 5, float Scale = 0.25f, float Beta1 = 0.9f, float Beta2 = 0.999f,
    float Epsilon = 1e-8f, float WeightDecay = 0, int PowerIterations = 2, ulong Seed = 1) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "q-galore";

    /// <inheritdoc/>
    public double RateShare => 1 / Scale;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Period = numbers.Count("period", Period),
        Scale = numbers.Positive("scale", Scale),
        Likeness = numbers.Share("likeness", Likeness),
        Patience = numbers.Count("patience", Patience),
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
        DType type = subspace.Rank % DType.Q4_1.BlockElements() == 0 ? DType.Q4_1 : DType.F32;
        Load basis = new(u.Graph.State($"{u.Name}.basis", subspace.BasisShape, MemoryKind.OptimizerState, type));
        Renew(u, subspace, basis);
        Value direction = new AdamMoments(Beta1, Beta2, Epsilon).Direction(u, subspace.Project(basis.Value));
        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * Scale * new Load(subspace.Lift(basis.Value, direction))));
    }

    // All scalars are whole numbers. The first renewal has no basis to be like, so the count begins one below zero.
    private void Renew(UpdateBuilder u, Subspace subspace, Load basis)
    {
        Load interval = u.State("interval", Shape.Scalar), wait = u.State("wait", Shape.Scalar), due = u.State("due", Shape.Scalar), alike = u.State("alike", Shape.Scalar);
        u.AssignNow(due, 1f - Expression.Minimum(wait, 1f));
        using (u.AtFirst())
        {
            u.AssignNow(basis, new Load(subspace.Iterate(subspace.Random(Seed), PowerIterations)));
            u.AssignNow(interval, (float)Period);
            u.AssignNow(alike, -1f);
        }

        using (u.Graph.When(due.Value, 1.0 / Period))
        {
            Load next = new(subspace.Iterate(basis.Value, PowerIterations));
            Expression overlap = u.Sum(u.Tensor("overlap", next * basis), "overlap"), square = u.SquaredNorm(u.Tensor("before", basis), "square");
            Expression cosine = overlap / (Expression.SquareRoot(square * subspace.Rank) + 1e-12f);
            Expression count = IsAbove(cosine, Likeness) * (alike + 1f);
            Expression longer = interval * (1f + IsAbove(count, Patience - 0.5f));
            u.Graph.Assign([(alike.Value, count), (interval.Value, longer), (wait.Value, longer)]);
            u.AssignNow(basis, next);
        }

        u.AssignNow(wait, wait - 1f);
    }

    private static Expression IsAbove(Expression x, float limit) => Expression.Maximum(Expression.Sign(x - limit), 0f);
}
