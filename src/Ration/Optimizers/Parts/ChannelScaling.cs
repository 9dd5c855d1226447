using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;

namespace Ration.Optimizers.Parts;

/// <summary>
/// Scales each channel of a matrix as Adam scales what is projected of it: by ‖ψ(R)ⱼ‖/‖Rⱼ‖ of channel j (the norm-based scaling of
/// Fira, Chen et al. 2024, and APOLLO, Zhu et al. 2024), and all of it so that its norm does not jump.
/// </summary>
internal static class ChannelScaling
{
    /// <summary>Keeps a channel without gradient from a division of zero by zero.</summary>
    public const float Tiny = 1e-8f;

    /// <summary>The factor for each element of <paramref name="x"/>.</summary>
    /// <param name="u">The update.</param>
    /// <param name="x">What is to be scaled, of the parameter's shape.</param>
    /// <param name="projected">R: [r, channels] or, where rows are channels, [channels, r].</param>
    /// <param name="adapted">ψ(R): what Adam makes of it.</param>
    /// <param name="columnsAreChannels">Whether channels are columns.</param>
    /// <param name="growth">The most by which the norm of the scaled matrix grows in a step.</param>
    public static Expression Factor(UpdateBuilder u, Value x, Value projected, Value adapted, bool columnsAreChannels, float growth)
    {
        Load numerator = Squares(adapted, "adapted"), denominator = Squares(projected, "projected_squares"), squares = Squares(x, "squares");
        Load factor = new(u.Tensor("factor", Expression.SquareRoot(numerator) / (Expression.SquareRoot(denominator) + Tiny)));
        Load norm = u.SquaredNorm(u.Tensor("norms", factor * Expression.SquareRoot(squares)), "norm");
        Load limiter = NormGrowthLimiter.Factor(u, Expression.SquareRoot(norm), growth);
        return new Load(factor.Value, columnsAreChannels ? Spread.Columns : Spread.Rows) * limiter;

        Load Squares(Value y, string name) => new(columnsAreChannels ? u.Graph.ColumnSquares(y, name) : u.Graph.RowSquares(y, name));
    }
}
