using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Optimizers.LowRank;
using Ration.Optimizers.Parts;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// <see cref="GaLore"/> with natural gradients (Das 2024, "Natural GaLore", section 3.4): Adam sees (λI + HᵀH)⁻¹g, for the projected gradient g and
/// the rows H [s, r·n] of the last s of them, g included. By Woodbury's identity only an s × s system is solved; since g is a row of H,
/// (λI + HᵀH)⁻¹g = Hᵀ·(λI + HHᵀ)⁻¹e, the same number without the difference of two large ones. The history is state: (s + 2)·r·n numbers in all
/// beside the basis, more than AdamW keeps unless m·r + (s + 2)·r·n &lt; 2·m·n. Where the subspace is renewed it keeps its coordinates, as moments do.
/// </summary>
/// <param name="Rank">r; null for a quarter of the matrix' shorter side.</param>
/// <param name="History">s: gradients that the Fisher matrix is estimated from, at least 1 (20 in the authors' code).</param>
/// <param name="Damping">λ, above 0 (10⁻³ in the authors' code).</param>
/// <param name="Period">Steps from one subspace to the next, at least 1.</param>
/// <param name="Scale">The learning rate of projected matrices as a share of the others'.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="PowerIterations">Iterations of a renewal, at least 1.</param>
/// <param name="Seed">Decides the first subspace.</param>
public sealed record NaturalGaLore(
    int? Rank = null, int History = 20, float Damping = 1e-3f, int Period = 200, float Scale = 0.25f, float Beta1 = 0.9f, float Beta2 = 0.999f,
    float Epsilon = 1e-8f, float WeightDecay = 0, int PowerIterations = 2, ulong Seed = 1) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "natural-galore";

    /// <inheritdoc/>
    public double RateShare => 1 / Scale;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Period = numbers.Count("period", Period),
        Scale = numbers.Positive("scale", Scale),
        History = numbers.Count("history", History, most: 10_000),
        Damping = numbers.Positive("damping", Damping),
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
        Value natural = Natural(u, subspace.Project(basis));
        Value direction = new AdamMoments(Beta1, Beta2, Epsilon).Direction(u, natural);
        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * Scale * new Load(subspace.Lift(basis, direction))));
    }

    // Rows that are not filled yet are zeros, and have no weight.
    private Value Natural(UpdateBuilder u, Value gradient)
    {
        int history = History;
        Value rows = u.State("history", new Shape(history, gradient.Shape.Elements)).Value;
        Value newest = u.Scalar("natural.row", step => (step.Number - 1) % history).Value;
        u.Graph.AssignRow(rows, gradient, newest);
        Value weights = u.Graph.InverseColumn(u.MatMul(rows, rows, transposeB: true, name: "gram"), Damping, newest, "weights");
        return u.Graph.Reshape(u.MatMul(weights, rows, name: "natural"), gradient.Shape, "natural");
    }
}
