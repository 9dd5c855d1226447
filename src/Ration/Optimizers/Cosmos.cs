using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Optimizers.Parts;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// COSMOS (Liu et al. 2025, algorithm 1): of the momentum M of a matrix m × n, the part in the leading eigenspace U of GᵀG, of rank r, is scaled
/// by Adam as in SOAP, and the rest is orthogonalized as in Muon. U follows the gradient by a power iteration and a QR factorization in each
/// step, and S holds GᵀG within it. State: m·n + m·r + n·r + r². What is not a matrix of a block is updated by AdamW. (The reference code, lliu606/COSMOS,
/// puts Nesterov's mean of gradient and momentum in the place of M unless it is told otherwise, and β₁ = 0.9 in AdamW.)
/// </summary>
/// <param name="Rank">r, at most the shorter side.</param>
/// <param name="Gamma">γ: the weight of the orthogonalized part.</param>
/// <param name="Rms">Root mean square of an update of a matrix, per unit of learning rate: the reference code's ratio of learning rates. The paper's
/// learning rate of matrices is this times √m.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the means of squares and of GᵀG, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of AdamW's second mean. Its square is added to the projected second moment, within the root as in the paper;
/// the reference code adds it outside.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="Seed">Decides the first subspace, which the reference code finds by a singular value decomposition.</param>
public sealed record Cosmos(
    int Rank = 64, float Gamma = 0.2f, float Rms = 0.2f, float Beta1 = 0.95f, float Beta2 = 0.95f, float Epsilon = 1e-8f, float WeightDecay = 0.1f,
    ulong Seed = 1) : IOptimizer
{
    // The square of a small ε would be 0, and a row of zeros 0 / 0.
    private const float LeastNormal = 1.1754944e-38f;

    /// <inheritdoc/>
    public string Name => "cosmos";

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Gamma = numbers.Positive("gamma", Gamma),
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

        Value gradient = u.GradientTensor;
        Load momentum = u.State("first_moment");
        u.AssignNow(momentum, Expression.Lerp(momentum, new Load(gradient), 1 - Beta1));
        (Value basis, Value projected) = Subspace(u, gradient);
        Value inside = u.MatMul(momentum.Value, basis, name: "inside"), direction = Direction(u, inside, projected);
        float size = MathF.Sqrt(u.Shape.Elements);
        Load adapted = new(u.MatMul(direction, basis, transposeB: true, name: "adapted"));
        Value both = adapted.Value;

        // Where the subspace is everything there is no rest, and what rounding has left of it would be scaled to full size.
        if (basis.Shape[1] < u.Shape[1])
        {
            Load outside = new(u.Tensor("outside", momentum - new Load(u.MatMul(inside, basis, transposeB: true, name: "lifted"))));
            Load orthogonal = new(NewtonSchulz.Orthogonalize(u, outside.Value));
            both = u.Tensor("combined", adapted + (orthogonal * (Gamma * size / Norm(orthogonal.Value, "orthogonal_norm"))));
        }

        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (new Load(both) * (u.LearningRate * (Rms * size) / Norm(both, "combined_norm"))));

        Expression Norm(Value x, string name) => Expression.SquareRoot(u.SquaredNorm(x, name)) + 1e-8f;
    }

    // U and S as of this gradient, and G·U.
    private (Value Basis, Value Projected) Subspace(UpdateBuilder u, Value gradient)
    {
        long columns = u.Shape[1], rank = Math.Clamp(Rank, 1, Math.Min(u.Shape[0], columns));
        Load kept = u.State("basis", new Shape(columns, rank)), inner = u.State("inner", new Shape(rank, rank));
        using (u.AtFirst()) u.AssignNow(kept, new Load(u.RandomMatrix("subspace", columns, rank, 1, Seed, period: 1)));
        Load old = new(u.MatMul(kept.Value, inner.Value, name: "old"));
        Load fresh = new(u.MatMul(gradient, u.MatMul(gradient, kept.Value, name: "projected"), transposeA: true, name: "fresh"));
        Value basis = u.Graph.Orthonormalize(u.Tensor("range", Expression.Lerp(old, fresh, 1 - Beta2)));
        Value projected = u.MatMul(gradient, basis, name: "projected"), turn = u.MatMul(kept.Value, basis, transposeA: true, name: "turn");
        Load turned = new(u.MatMul(turn, u.MatMul(inner.Value, turn, name: "turned"), transposeA: true, name: "turned"));
        Load gram = new(u.MatMul(projected, projected, transposeA: true, name: "gram"));
        u.AssignNow(inner, Expression.Lerp(turned, gram, 1 - Beta2));
        u.AssignNow(kept, new Load(basis));
        return (basis, projected);
    }

    // Adam's scaling of M·U by the second moment of G·U.
    private Value Direction(UpdateBuilder u, Value inside, Value projected)
    {
        (double beta1, double beta2) = (Beta1, Beta2);
        Load second = u.State("second_moment", inside.Shape, nonNegative: true), p = new(projected);
        Expression square = Expression.Lerp(second, p * p, 1 - Beta2);
        Load meanScale = u.Scalar("cosmos.meanScale", step => 1 / (1 - Math.Pow(beta1, step.Number)));
        Load rootScale = u.Scalar("cosmos.rootScale", step => 1 / Math.Sqrt(1 - Math.Pow(beta2, step.Number)));
        Expression root = Expression.SquareRoot(square + MathF.Max(Epsilon * Epsilon, LeastNormal)) * rootScale;
        return u.Tensor("direction", new Load(inside) * meanScale / root, (second, square));
    }
}
