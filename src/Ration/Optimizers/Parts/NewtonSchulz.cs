using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Optimizers.Parts;

/// <summary>
/// Orthogonalization by Newton and Schulz's iteration with the quintic of Jordan et al. 2024 (Muon): a matrix UΣVᵀ becomes about UVᵀ, its
/// singular values all near one (between 0.7 and 1.2), by products of matrices alone.
/// </summary>
internal static class NewtonSchulz
{
    private const float A = 3.4445f, B = -4.7750f, C = 2.0315f;
    private const int Steps = 5;

    /// <summary>About UVᵀ of a matrix; zero of zero.</summary>
    public static Value Orthogonalize(UpdateBuilder u, Value matrix)
    {
        // Over the shorter side, so that squares are small: XXᵀ·X or X·XᵀX.
        bool wide = matrix.Shape[0] <= matrix.Shape[1];
        Value x = u.Tensor("normalized", new Load(matrix) / (Expression.SquareRoot(u.SquaredNorm(matrix, "norm")) + 1e-7f));
        for (int step = 0; step < Steps; step++)
        {
            Value gram = u.MatMul(x, x, transposeA: !wide, transposeB: wide, name: "gram");
            Value polynomial = u.Tensor("polynomial", (new Load(gram) * B) + (new Load(u.MatMul(gram, gram, name: "square")) * C));
            (Value left, Value right) = wide ? (polynomial, x) : (x, polynomial);
            x = u.Graph.MatMul(left, right, false, false, u.Tensor("linear", new Load(x) * A), "orthogonalized", MemoryKind.Workspace);
        }

        return x;
    }
}
