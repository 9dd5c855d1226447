using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Optimizers.LowRank;
using Ration.Optimizers.Parts;

namespace Ration.Optimizers;

/// <summary>Which part of a matrix FRUGAL keeps state for.</summary>
public enum StateFullPart
{
    /// <summary>Some of its columns, chosen at random.</summary>
    Columns,

    /// <summary>The projection to a random subspace of its shorter side.</summary>
    RandomProjection,

    /// <summary>All matrices of some of the model's blocks, drawn at random.</summary>
    Blocks,
}

/// <summary>How FRUGAL updates what it keeps no state for.</summary>
public enum StateFreeRule
{
    /// <summary>By the sign of the gradient (Bernstein et al. 2018).</summary>
    SignSgd,

    /// <summary>By the gradient.</summary>
    Sgd,
}

/// <summary>
/// FRUGAL (Zmushko et al. 2024, algorithm 1): part of the gradient of a matrix is updated by Adam, the rest by a rule without state, so that
/// every step is of full rank. The part changes every so many steps, and Adam's moments begin anew with it. State of a matrix m × n: with
/// columns 2·ρ·m·n; with a random projection of its shorter side s 2·ρ·m·n and a basis of ρ·s². By blocks, matrices of ρ·L of the L blocks have
/// state, 2·m·n each, and those of others none; the authors' code draws single matrices, which would be other bytes with each draw. What is not a
/// matrix of a block is updated by AdamW.
/// </summary>
/// <param name="Part">What has state.</param>
/// <param name="Rank">How many columns or blocks, or the rank of the subspace; null to follow from <paramref name="Density"/>.</param>
/// <param name="Density">ρ, in (0, 1]: the share of a matrix that has state.</param>
/// <param name="Period">T: steps from one part to the next, at least 1.</param>
/// <param name="StateFree">How the rest is updated.</param>
/// <param name="StateFreeScale">The learning rate of the rest as a share of the learning rate: 1 in pre-training, 0.1 in fine-tuning.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="Seed">Decides the parts.</param>
public sealed record Frugal(
    StateFullPart Part, int? Rank = null, float Density = 0.25f, int Period = 200, StateFreeRule StateFree = StateFreeRule.SignSgd,
    float StateFreeScale = 1, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f, float WeightDecay = 0, ulong Seed = 1) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => Part switch { StateFullPart.Columns => "frugal-columns", StateFullPart.RandomProjection => "frugal-random", _ => "frugal-blocks" };

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers)
    {
        if (Rank is not null) numbers.RequireUnset("density", "--rank");
        return this with
        {
            Density = Rank is null ? numbers.Part("density", Density) : Density,
            Period = numbers.Count("period", Period),
            StateFreeScale = numbers.Positive("state-free-scale", StateFreeScale),
            Beta1 = numbers.Share("beta1", Beta1),
            Beta2 = numbers.Share("beta2", Beta2),
            Epsilon = numbers.Positive("epsilon", Epsilon),
            WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
        };
    }

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        AdamW adam = new(Beta1, Beta2, Epsilon, WeightDecay);
        if (Part == StateFullPart.Blocks && u is { IsMatrix: true, Block: not null })
        {
            int count = Rank ?? Math.Max(1, (int)Math.Round(u.Blocks * Density));
            new BlockSampling(count, Period, BlockOrder.Drawn, Seed).Train(
                u, adam.Update, other => other.Assign(other.Parameter, other.Decayed(WeightDecay) - (other.LearningRate * Rest(other.Gradient))));
            return;
        }

        if (u.IsLeftTo(adam)) return;
        Value step = Part == StateFullPart.Columns ? Columns(u) : Projection(u);
        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * new Load(step)));
    }

    private AdamMoments Adam => new(Beta1, Beta2, Epsilon);

    // The columns are not stored: those with the largest of random numbers are found again in each step.
    private Value Columns(UpdateBuilder u)
    {
        long columns = u.Shape[1], count = Math.Clamp(Rank ?? (long)(columns * Density), 1, columns);
        Value chance = u.Graph.ColumnSquares(u.RandomMatrix("columns", 1, columns, 1, Seed, Period), "chance"), gradient = u.GradientTensor;
        Value chosen = u.Graph.SelectLargest(chance, count, "chosen");
        Value direction = Adam.Direction(u, u.Graph.SelectColumns(gradient, chosen, "selected"), Period);
        return u.Graph.ReplaceColumns(u.Tensor("rest", Rest(new Load(gradient))), direction, chosen, "step");
    }

    private Value Projection(UpdateBuilder u)
    {
        Subspace subspace = new(u, Rank ?? (int)Math.Round(Math.Min(u.Shape[0], u.Shape[1]) * Density));
        Load kept = u.State("basis", subspace.BasisShape);
        Value basis = kept.Value;
        using (u.Every(Period)) u.AssignNow(kept, new Load(u.Graph.Orthonormalize(u.RandomMatrix("basis", subspace.Side, subspace.Rank, 1, Seed, Period))));
        Value projected = subspace.Project(basis), direction = Adam.Direction(u, projected, Period);

        // Where the subspace is everything there is no rest, and the signs of what rounding has left of it would be steps of full size.
        if (subspace.Rank == subspace.Side) return subspace.Lift(basis, direction);
        Value rest = u.Tensor("rest", Rest(new Load(subspace.Gradient) - new Load(subspace.Lift(basis, projected))));
        return subspace.Lift(basis, direction, rest);
    }

    private Expression Rest(Expression gradient) => (StateFree == StateFreeRule.SignSgd ? Expression.Sign(gradient) : gradient) * StateFreeScale;
}
