using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Optimizers.LowRank;
using Ration.Optimizers.Parts;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// Adam in a subspace of columns of a fixed orthogonal matrix, that of the discrete cosine transform (Modoranu et al. 2025, "SVD-Free Low-Rank
/// Adaptive Gradient Optimization for Large Language Models", DCT-AdamW without error feedback): the r columns along which the
/// gradient is longest. Of a hidden matrix [m, n], m ≤ n, the state is r numbers of columns and two moments [r, n]; no basis is stored.
/// Moments follow from one choice to the next by R = PᵀP′, the second as |R·v|: columns that stay keep theirs. All else is under
/// <see cref="AdamW"/>. A choice costs the product of the gradient with the whole transform, 2·m·n·min(m, n) operations.
/// </summary>
/// <param name="Rank">r; null for a quarter of the matrix' shorter side.</param>
/// <param name="Period">Steps from one choice to the next, at least 1.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
public sealed record DctAdamW(
    int? Rank = null, int Period = 1, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f, float WeightDecay = 0) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "dct-adamw";

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Period = numbers.Count("period", Period),
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
        Load columns = u.State("columns", new Shape(subspace.Rank));
        (Load First, Load Second) moments = AdamMoments.Declare(u, subspace.ProjectedShape);
        using (u.Every(Period)) Choose(u, subspace, columns, moments);
        Value basis = u.Graph.CosineColumns(subspace.Side, columns.Value);
        Value direction = new AdamMoments(Beta1, Beta2, Epsilon).Direction(u, subspace.Project(basis), moments);
        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * new Load(subspace.Lift(basis, direction))));
    }

    private static void Choose(UpdateBuilder u, Subspace subspace, Load columns, (Load First, Load Second) moments)
    {
        Value before = u.Graph.CosineColumns(subspace.Side, columns.Value, "before");
        Value energies = subspace.Energies(subspace.Project(u.Graph.CosineColumns(subspace.Side, name: "transform")));
        u.AssignNow(columns, new Load(u.Graph.SelectLargest(energies, subspace.Rank)));
        Value after = u.Graph.CosineColumns(subspace.Side, columns.Value, "after");
        Value rotation = u.MatMul(before, after, transposeA: true, name: "rotation");

        // Only formulas read the moments themselves, so that they may be stored in fewer bits.
        u.AssignNow(moments.First, new Load(subspace.Rotate(u.Tensor("first", moments.First), rotation)));
        u.AssignNow(moments.Second, Expression.Absolute(new Load(subspace.Rotate(u.Tensor("second", moments.Second), rotation))));
    }
}
