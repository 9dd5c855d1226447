using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// A matrix P [width, rank] of independent normal numbers of variance 1/rank, so that P·Pᵀ is the identity in the mean (Johnson and Lindenstrauss
/// 1984). It depends on nothing but the random key (as <see cref="Dropout"/> has it) and the site, so that it is drawn again instead of kept.
/// </summary>
/// <param name="Width">Rows.</param>
/// <param name="Rank">Columns.</param>
/// <param name="Site">Distinguishes the matrices of a graph.</param>
public sealed record GaussianProjection(long Width, long Rank, int Site) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.I64);
        RequireShape(inputs, 0, new Shape(2));
        if (Width < 1 || Rank < 1) throw Refuse($"there is no {Width} by {Rank} projection", inputs);
        return [new TensorType(new Shape(Width, Rank), DType.F32)];
    }
}
