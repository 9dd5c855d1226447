using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// The mean of squared gradients of a matrix as the product of a column and a row, the non-negative factors of rank one that are nearest in
/// divergence (Shazeer and Stern 2018, section 3): rows + columns numbers instead of rows · columns. A stack of matrices counts as one
/// tall matrix; a vector keeps every number.
/// </summary>
internal static class FactoredSecondMoment
{
    /// <summary>Brings the moment up to date and divides the gradient by its root: u = g/√v, a tensor of the parameter's shape.</summary>
    /// <param name="u">The parameter's update.</param>
    /// <param name="decay">How much of the old moment is kept.</param>
    /// <param name="epsilon">Added to every squared gradient.</param>
    public static Value Normalize(UpdateBuilder u, Expression decay, float epsilon) =>
        u.IsMatrix ? NormalizeMatrix(u, decay, epsilon) : NormalizeVector(u, decay, epsilon);

    /// <summary>√(Σx²/n) of a tensor of the parameter's shape.</summary>
    public static Expression RootMeanSquare(UpdateBuilder u, Value tensor, string name) =>
        Expression.SquareRoot(u.SquaredNorm(tensor, name) * (float)(1.0 / u.Shape.Elements));

    private static Value NormalizeMatrix(UpdateBuilder u, Expression decay, float epsilon)
    {
        long rows = u.Shape.Rows, columns = u.Shape[^1];
        Load rowState = u.State("row_squares", new Shape(rows), nonNegative: true), columnState = u.State("column_squares", new Shape(columns), nonNegative: true);
        Value gradient = u.GradientTensor;
        Expression rowSquares = Mean(rowState, u.Graph.RowSquares(gradient, "row_squares"), decay, columns * epsilon);
        Expression columnSquares = Mean(columnState, u.Graph.ColumnSquares(gradient, "column_squares"), decay, rows * epsilon);

        // One over the roots is taken of the factors, not of their product, which could be too small for a number.
        Value rowScale = u.Tensor("row_scale", 1f / Expression.SquareRoot(rowSquares), (rowState, rowSquares));
        Value columnScale = u.Tensor("column_scale", 1f / Expression.SquareRoot(columnSquares), (columnState, columnSquares));
        Expression total = Expression.SquareRoot(u.Sum(rowState.Value, "total"));
        return u.Tensor("normalized", new Load(gradient) * Expression.OfRow(rowScale) * total * Expression.OfColumn(columnScale));
    }

    private static Value NormalizeVector(UpdateBuilder u, Expression decay, float epsilon)
    {
        Load state = u.State("squares", nonNegative: true);
        Expression squares = Expression.Lerp((u.Gradient * u.Gradient) + epsilon, state, decay);
        return u.Tensor("normalized", u.Gradient / Expression.SquareRoot(squares), (state, squares));
    }

    private static Expression Mean(Load state, Value sums, Expression decay, float epsilon) => Expression.Lerp(new Load(sums) + epsilon, state, decay);
}
