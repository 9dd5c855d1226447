using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Optimizers.LowRank;

/// <summary>
/// The subspace of rank r that the gradient G [m, n] of a matrix is projected to, on its shorter side (Zhao et al. 2024, section 4.2): where
/// m &lt; n, a basis P [m, r] gives PᵀG [r, n], else P [n, r] gives GP [m, r].
/// </summary>
internal sealed class Subspace
{
    private readonly UpdateBuilder _update;
    private readonly bool _isLeft;

    /// <summary>The subspace of a parameter.</summary>
    /// <param name="update">The update of a matrix.</param>
    /// <param name="rank">r, at most the shorter side; null for a quarter of it.</param>
    /// <param name="gradient">What is projected, of the parameter's shape; null for the gradient itself.</param>
    public Subspace(UpdateBuilder update, int? rank, Value? gradient = null)
    {
        (_update, _isLeft) = (update, update.Shape[0] < update.Shape[1]);
        Side = _isLeft ? update.Shape[0] : update.Shape[1];
        Rank = Math.Clamp(rank ?? (Side / 4), 1, Side);
        Gradient = gradient ?? update.GradientTensor;
    }

    /// <summary>The length of the shorter side.</summary>
    public long Side { get; }

    /// <summary>r.</summary>
    public long Rank { get; }

    /// <summary>The gradient. It is made before any condition, because all of an update reads it.</summary>
    public Value Gradient { get; }

    /// <summary>The shape of a basis, [shorter side, r].</summary>
    public Shape BasisShape => new(Side, Rank);

    /// <summary>The shape of a projected gradient.</summary>
    public Shape ProjectedShape => _isLeft ? new(Rank, _update.Shape[1]) : new(_update.Shape[0], Rank);

    /// <summary>
    /// A basis that is kept, renewed every so many steps by <see cref="Iterate"/> from the one before, and at first, twice over, from normal numbers.
    /// </summary>
    /// <param name="period">Steps from one renewal to the next.</param>
    /// <param name="iterations">Power iterations of a renewal, at least 1.</param>
    /// <param name="seed">Seed of the run.</param>
    public Value FollowingGradient(int period, int iterations, ulong seed)
    {
        Load basis = _update.State("basis", BasisShape);
        using (_update.AtFirst()) _update.AssignNow(basis, new Load(Iterate(Random(seed), iterations)));
        using (_update.Every(period)) _update.AssignNow(basis, new Load(Iterate(basis.Value, iterations)));
        return basis.Value;
    }

    /// <summary>Normal numbers of a basis' shape: where finding a subspace begins.</summary>
    public Value Random(ulong seed)
    {
        Value epoch = _update.Scalar("subspace.epoch", static _ => 0).Value;
        return _update.Graph.RandomMatrix(epoch, Side, Rank, 1, seed, CounterRandom.StreamOf(_update.Name + ".subspace"));
    }

    /// <summary>
    /// A basis nearer to the leading singular vectors of the gradient: orthonormalized GGᵀP or GᵀGP, some times over (Halko, Martinsson and
    /// Tropp 2011, algorithm 4.4; from an earlier basis a warm start). Each time costs 4·m·n·r + 4·s·r² operations for a shorter side
    /// of s, and reads the gradient twice.
    /// </summary>
    public Value Iterate(Value basis, int iterations)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
        for (int i = 0; i < iterations; i++)
        {
            Value projected = Project(basis);
            Value spread = _isLeft
                ? _update.MatMul(Gradient, projected, transposeB: true, name: "range")
                : _update.MatMul(Gradient, projected, transposeA: true, name: "range");
            basis = _update.Graph.Orthonormalize(spread);
        }

        return basis;
    }

    /// <summary>The gradient in coordinates of a basis of any width.</summary>
    public Value Project(Value basis) => _isLeft
        ? _update.MatMul(basis, Gradient, transposeA: true, name: "projected")
        : _update.MatMul(Gradient, basis, name: "projected");

    /// <summary>Coordinates back as a matrix of the parameter's shape.</summary>
    /// <param name="basis">The basis.</param>
    /// <param name="projected">The coordinates.</param>
    /// <param name="sum">What the matrix is added to, or null.</param>
    public Value Lift(Value basis, Value projected, Value? sum = null) => _isLeft
        ? _update.MatMul(basis, projected, sum: sum, name: "lifted")
        : _update.MatMul(projected, basis, transposeB: true, sum: sum, name: "lifted");

    /// <summary>Σ of squares of the gradient's coordinates, for each vector of a basis.</summary>
    public Value Energies(Value projected) => _isLeft
        ? _update.Graph.RowSquares(projected, "energies")
        : _update.Graph.ColumnSquares(projected, "energies");

    /// <summary>Coordinates in one basis as coordinates in another: <paramref name="rotation"/> is PᵀP′.</summary>
    public Value Rotate(Value projected, Value rotation) => _isLeft
        ? _update.MatMul(rotation, projected, transposeA: true, name: "rotated")
        : _update.MatMul(projected, rotation, name: "rotated");
}
