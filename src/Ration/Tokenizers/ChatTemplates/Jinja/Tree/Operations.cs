using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Tree;

/// <summary><c>-x</c> and <c>+x</c>.</summary>
internal sealed class Sign(bool negative, Expression operand, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering) => Arithmetic.Sign(rendering.Evaluate(operand), negative);
}

/// <summary><c>not x</c>.</summary>
internal sealed class Negation(Expression operand, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering) => !Truth.Of(rendering.Evaluate(operand));
}

/// <summary>A chain of binary operators of one precedence, from the left.</summary>
/// <param name="first">The first operand.</param>
/// <param name="rest">Operators, each with what stands right of it.</param>
/// <param name="line">Line of the first operand.</param>
internal sealed class ArithmeticChain(Expression first, List<(string Operator, Expression Operand)> rest, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering)
    {
        object? value = rendering.Evaluate(first);
        foreach ((string name, Expression operand) in rest) value = Arithmetic.Apply(name, value, rendering.Evaluate(operand), rendering.Budget);
        return value;
    }
}

/// <summary><c>a ~ b</c>: texts put together.</summary>
internal sealed class Concatenation(List<Expression> parts, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering)
    {
        string[] texts = new string[parts.Count];
        for (int i = 0; i < texts.Length; i++) texts[i] = rendering.Print(rendering.Evaluate(parts[i]));
        rendering.Budget.NewText(texts.Sum(static t => (long)t.Length));
        return string.Concat(texts);
    }
}

/// <summary><c>a and b</c>, <c>a or b</c>: the operand that decides is the value.</summary>
internal sealed class Logical(bool and, List<Expression> operands, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering)
    {
        object? value = null;
        foreach (Expression operand in operands)
        {
            value = rendering.Evaluate(operand);
            if (Truth.Of(value) != and) return value;
        }

        return value;
    }
}

/// <summary><c>a &lt; b &lt;= c</c>: as in Python each neighbouring pair must hold.</summary>
internal sealed class ComparisonChain(Expression first, List<(string Operator, Expression Operand)> rest, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering)
    {
        object? left = rendering.Evaluate(first);
        foreach ((string name, Expression operand) in rest)
        {
            object? right = rendering.Evaluate(operand);
            if (!Comparison.Holds(name, left, right, rendering.Budget)) return false;
            left = right;
        }

        return true;
    }
}

/// <summary><c>a if condition else b</c>.</summary>
internal sealed class Conditional(Expression condition, Expression then, Expression? otherwise, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering)
    {
        if (Truth.Of(rendering.Evaluate(condition))) return rendering.Evaluate(then);
        return otherwise is null ? new Undefined("the inline 'if' is false and has no 'else'") : rendering.Evaluate(otherwise);
    }
}
