namespace Ration.Graphs.Elementwise;

/// <summary>Functions of one number.</summary>
public enum UnaryFunction
{
    /// <summary>−x.</summary>
    Negate,

    /// <summary>|x|.</summary>
    Absolute,

    /// <summary>−1, 0 or 1.</summary>
    Sign,

    /// <summary>√x.</summary>
    SquareRoot,

    /// <summary>1/x.</summary>
    Reciprocal,

    /// <summary>eˣ.</summary>
    Exp,

    /// <summary>Natural logarithm.</summary>
    Log,

    /// <summary>1/(1 + e⁻ˣ).</summary>
    Sigmoid,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh,
}

/// <summary>Functions of two numbers.</summary>
public enum BinaryFunction
{
    /// <summary>a + b.</summary>
    Add,

    /// <summary>a − b.</summary>
    Subtract,

    /// <summary>a · b.</summary>
    Multiply,

    /// <summary>a / b.</summary>
    Divide,

    /// <summary>The smaller.</summary>
    Minimum,

    /// <summary>The larger.</summary>
    Maximum,
}

/// <summary>
/// An elementwise formula over tensors of one shape, scalars and constants. Formulas are written with ordinary operators and become one
/// node, so that memory is passed once however long the formula is.
/// </summary>
public abstract record Expression
{
    /// <summary>Whether it has one value for all elements.</summary>
    public abstract bool IsScalar { get; }

    /// <summary>A constant.</summary>
    public static implicit operator Expression(float constant) => new Constant(constant);

    /// <summary>Sum.</summary>
    public static Expression operator +(Expression a, Expression b) => new Binary(BinaryFunction.Add, a, b);

    /// <summary>Difference.</summary>
    public static Expression operator -(Expression a, Expression b) => new Binary(BinaryFunction.Subtract, a, b);

    /// <summary>Product.</summary>
    public static Expression operator *(Expression a, Expression b) => new Binary(BinaryFunction.Multiply, a, b);

    /// <summary>Quotient.</summary>
    public static Expression operator /(Expression a, Expression b) => new Binary(BinaryFunction.Divide, a, b);

    /// <summary>Negation.</summary>
    public static Expression operator -(Expression x) => new Unary(UnaryFunction.Negate, x);

    /// <summary>√x.</summary>
    public static Expression SquareRoot(Expression x) => new Unary(UnaryFunction.SquareRoot, x);

    /// <summary>−1, 0 or 1.</summary>
    public static Expression Sign(Expression x) => new Unary(UnaryFunction.Sign, x);

    /// <summary>|x|.</summary>
    public static Expression Absolute(Expression x) => new Unary(UnaryFunction.Absolute, x);

    /// <summary>The smaller of two.</summary>
    public static Expression Minimum(Expression a, Expression b) => new Binary(BinaryFunction.Minimum, a, b);

    /// <summary>The larger of two.</summary>
    public static Expression Maximum(Expression a, Expression b) => new Binary(BinaryFunction.Maximum, a, b);

    /// <summary>For each element the number of its row; <paramref name="value"/> has one for each row.</summary>
    public static Load OfRow(Value value) => new(value, Spread.Rows);

    /// <summary>For each element the number of its column; <paramref name="value"/> has one for each column.</summary>
    public static Load OfColumn(Value value) => new(value, Spread.Columns);

    /// <summary>a + weight · (b − a).</summary>
    public static Expression Lerp(Expression a, Expression b, Expression weight) => a + (weight * (b - a));
}

/// <summary>Which element of what it reads a formula sees.</summary>
public enum Spread
{
    /// <summary>The element at the same place.</summary>
    None,

    /// <summary>The one of the row: what is read has an element for each row of the tensors beside it.</summary>
    Rows,

    /// <summary>The one of the column: what is read has an element for each column.</summary>
    Columns,
}

/// <summary>The element of a tensor, or a scalar value, of the graph.</summary>
/// <param name="Value">What is read.</param>
/// <param name="Spread">Which of its elements; a spread tensor has no gradient.</param>
public sealed record Load(Value Value, Spread Spread = Spread.None) : Expression
{
    /// <inheritdoc/>
    public override bool IsScalar => Value.Shape.Rank == 0;
}

/// <summary>A number known when the graph is built.</summary>
/// <param name="Number">The number.</param>
public sealed record Constant(float Number) : Expression
{
    /// <inheritdoc/>
    public override bool IsScalar => true;
}

/// <summary>A function of one expression.</summary>
/// <param name="Function">Which.</param>
/// <param name="X">The argument.</param>
public sealed record Unary(UnaryFunction Function, Expression X) : Expression
{
    /// <inheritdoc/>
    public override bool IsScalar { get; } = X.IsScalar;
}

/// <summary>A function of two expressions.</summary>
/// <param name="Function">Which.</param>
/// <param name="A">The first argument.</param>
/// <param name="B">The second argument.</param>
public sealed record Binary(BinaryFunction Function, Expression A, Expression B) : Expression
{
    /// <inheritdoc/>
    public override bool IsScalar { get; } = A.IsScalar && B.IsScalar;
}
