using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Optimizers.LowRank;
using Ration.Optimizers.Parts;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// Weight normalization with a direction whose gradient is projected (Huang et al. 2024, "Gradient Weight-normalized Low-rank Projection for
/// Efficient LLM Training"). Of a hidden matrix row i is Wᵢ = mᵢ·Dᵢ/‖Dᵢ‖; Adam moves the magnitudes m by ∂mᵢ = ⟨Gᵢ, Wᵢ⟩/mᵢ, and D as
/// <see cref="GaLore"/> does, by ∂Dᵢ = (Gᵢ − Wᵢ·∂mᵢ/mᵢ)·mᵢ/‖Dᵢ‖ (Salimans and Kingma 2016, equation 3). Only W is held: magnitudes are the
/// norms of its rows, and with the norms of D's rows as state Dᵢ is Wᵢ·‖Dᵢ‖/mᵢ. All else is under <see cref="AdamW"/>.
/// The paper writes D as a sum of frozen weights and a product of two factors; here D is whole, as in the authors' optimizer, and its steps are
/// of low rank. Their optimizer, though, forgets what it learnt of m and leaves ∂D whole; here both follow the formula. As in their code rows
/// are outputs, and one side of the gradient is projected.
/// </summary>
/// <param name="Rank">r; null for a quarter of the matrix' shorter side.</param>
/// <param name="Period">Steps from one subspace to the next, at least 1.</param>
/// <param name="Scale">The learning rate of directions as a share of all others'.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of magnitudes and directions lost per step and unit of learning rate.</param>
/// <param name="PowerIterations">Iterations of a renewal, at least 1; see <see cref="Subspace.Iterate"/>.</param>
/// <param name="Seed">Decides the first subspace.</param>
public sealed record GradNormLoRP(
    int? Rank = null, int Period = 200, float Scale = 0.25f, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-6f, float WeightDecay = 0,
    int PowerIterations = 2, ulong Seed = 1) : IOptimizer
{
    // Keeps a row of zeros, which has no direction, from a division by zero: it stays.
    private const float Tiny = 1e-12f;

    /// <inheritdoc/>
    public string Name => "grad-norm-lorp";

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

        AdamMoments adam = new(Beta1, Beta2, Epsilon);
        Shape rows = new(u.Shape[0]);
        Load norm = u.State("norm", rows, nonNegative: true);
        Load magnitude = new(u.Tensor("magnitude", Norms(u, u.Tensor("weight", u.Parameter))));
        using (u.AtFirst()) u.AssignNow(norm, magnitude);

        Load slope = new(u.Tensor("magnitude_gradient", new Load(u.Graph.RowSum(u.Tensor("products", u.Gradient * u.Parameter), "inner")) / (magnitude + Tiny)));
        Value outward = u.Tensor("outward", slope / (magnitude + Tiny)), shrink = u.Tensor("shrink", magnitude / (norm + Tiny)), grow = u.Tensor("grow", norm / (magnitude + Tiny));
        Expression tangent = (u.Gradient - (u.Parameter * Expression.OfRow(outward))) * Expression.OfRow(shrink);
        Subspace subspace = new(u, Rank, u.Tensor("direction_gradient", tangent));
        Value basis = subspace.FollowingGradient(Period, PowerIterations, Seed);
        Load turn = new(subspace.Lift(basis, adam.Direction(u, subspace.Project(basis))));
        Load stretch = new(adam.Direction(u, slope.Value, (u.State("magnitude_first_moment", rows), u.State("magnitude_second_moment", rows, nonNegative: true))));

        Expression kept = WeightDecay == 0 ? 1f : 1f - (u.LearningRate * WeightDecay);
        Value direction = u.Tensor("direction", ((u.Parameter * Expression.OfRow(grow)) - (u.LearningRate * Scale * turn)) * kept);
        Load norms = new(u.Tensor("norms", Norms(u, direction)));
        Value length = u.Tensor("length", (magnitude - (u.LearningRate * stretch)) * kept / (norms + Tiny), (norm, norms));
        u.Assign(u.Parameter, new Load(direction) * Expression.OfRow(length));
    }

    private static Expression Norms(UpdateBuilder u, Value matrix) => Expression.SquareRoot(new Load(u.Graph.RowSquares(matrix, "squares")));
}
