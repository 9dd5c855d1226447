namespace Ration.Graphs.Elementwise;

/// <summary>Symbolic derivatives of elementwise formulas.</summary>
internal static class Derivative
{
    /// <summary>∂formula/∂value, or null when the formula does not depend on the value.</summary>
    /// <exception cref="GraphException">The formula has a part without a derivative.</exception>
    public static Expression? Of(Expression formula, Value value) => formula switch
    {
        Load load when load.Value.Id != value.Id => null,
        Load { Spread: Spread.None } => 1f,
        Constant => null,
        Unary unary => Of(unary.X, value) is { } dx ? OfUnary(unary, dx) : null,
        Binary binary => OfBinary(binary, Of(binary.A, value), Of(binary.B, value)),
        _ => throw new GraphException($"{formula.GetType().Name} has no derivative"),
    };

    private static Expression OfUnary(Unary y, Expression dx) => y.Function switch
    {
        UnaryFunction.Negate => -dx,
        UnaryFunction.Absolute => Expression.Sign(y.X) * dx,
        UnaryFunction.Sign => 0f,
        UnaryFunction.SquareRoot => dx * 0.5f / y,
        UnaryFunction.Reciprocal => -(y * y) * dx,
        UnaryFunction.Exp => y * dx,
        UnaryFunction.Log => dx / y.X,
        UnaryFunction.Sigmoid => y * (1f - y) * dx,
        UnaryFunction.Tanh => (1f - (y * y)) * dx,
        _ => throw new GraphException($"{y.Function} has no derivative"),
    };

    private static Expression? OfBinary(Binary y, Expression? da, Expression? db)
    {
        if (da is null && db is null) return null;
        return y.Function switch
        {
            BinaryFunction.Add => Sum(da, db),
            BinaryFunction.Subtract => Sum(da, db is null ? null : -db),
            BinaryFunction.Multiply => Sum(da is null ? null : da * y.B, db is null ? null : y.A * db),
            BinaryFunction.Divide => Sum(da is null ? null : da / y.B, db is null ? null : -(y / y.B) * db),
            _ => throw new GraphException($"{y.Function} has no derivative"),
        };
    }

    private static Expression? Sum(Expression? a, Expression? b) => a is null ? b : b is null ? a : a + b;
}
