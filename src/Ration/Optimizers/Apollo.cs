using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Optimizers.Parts;

namespace Ration.Optimizers;

/// <summary>
/// APOLLO (Zhu et al. 2024, algorithm 1): the gradient itself, scaled by how much Adam would scale it. That is found where the gradient is
/// small: a random projection P (entries N(0, 1/r), never stored) takes it to R = P·G of rank r along its shorter side, Adam keeps its
/// moments there, and the norms of R̃ over those of R give a factor for each channel, or one for the tensor (APOLLO-Mini). State of a matrix
/// m × n, m ≤ n: 2·n·r + 1. What is not a matrix of a block is updated by AdamW.
/// </summary>
/// <param name="Rank">r; null for a quarter of the shorter side.</param>
/// <param name="ByTensor">One factor for the whole tensor (APOLLO-Mini) instead of one for each channel.</param>
/// <param name="Scale">α, by which the scaled gradient is multiplied: 1, and √128 in APOLLO-Mini.</param>
/// <param name="Period">T: steps from one projection to the next, at least 1.</param>
/// <param name="Growth">γ: the most by which the norm of the update grows in a step, at least 1.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="Seed">Decides the projections.</param>
public sealed record Apollo(
    int? Rank = null, bool ByTensor = false, float Scale = 1, int Period = 200, float Growth = 1.01f, float Beta1 = 0.9f, float Beta2 = 0.999f,
    float Epsilon = 1e-6f, float WeightDecay = 0, ulong Seed = 1) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => ByTensor ? "apollo-mini" : "apollo";

    // The paper takes 0.01 for all sizes, as GaLore's does.
    /// <inheritdoc/>
    public double RateShare => 4;

    /// <summary>APOLLO-Mini: rank 1 and one factor for each tensor.</summary>
    public static Apollo Mini(ulong seed) => new(Rank: 1, ByTensor: true, Scale: MathF.Sqrt(128), Seed: seed);

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Period = numbers.Count("period", Period),
        Scale = numbers.Positive("scale", Scale),
        Growth = numbers.AtLeastOne("growth", Growth),
        Beta1 = numbers.Share("beta1", Beta1),
        Beta2 = numbers.Share("beta2", Beta2),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        if (u.IsLeftTo(new AdamW(Beta1, Beta2, Epsilon, WeightDecay))) return;

        long rows = u.Shape[0], columns = u.Shape[1], shorter = Math.Min(rows, columns);
        bool wide = rows <= columns;
        long rank = Math.Clamp(Rank ?? shorter / 4, 1, shorter);
        Value projection = u.RandomMatrix("projection", rank, shorter, 1 / MathF.Sqrt(rank), Seed, Period), gradient = u.GradientTensor;
        Value low = wide ? u.MatMul(projection, gradient) : u.MatMul(gradient, projection, transposeB: true);

        // The moments' bias is corrected within R̃; the reference code corrects it after the limiter.
        Value direction = new AdamMoments(Beta1, Beta2, Epsilon).Direction(u, low);
        Expression factor = ByTensor ? Factor(u, gradient, low, direction) : ChannelScaling.Factor(u, gradient, low, direction, wide, Growth);
        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (new Load(gradient) * (factor * (u.LearningRate * Scale))));
    }

    private Expression Factor(UpdateBuilder u, Value gradient, Value low, Value direction)
    {
        Expression projected = Expression.SquareRoot(u.SquaredNorm(low, "projected_norm")) + ChannelScaling.Tiny;
        Expression factor = Expression.SquareRoot(u.SquaredNorm(direction, "adapted_norm")) / projected;
        return factor * NormGrowthLimiter.Factor(u, factor * Expression.SquareRoot(u.SquaredNorm(gradient, "norm")), Growth);
    }
}
