namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Python's arithmetic on numbers, texts and lists. Integers are of 64 bits: what leaves them is refused.</summary>
internal static class Arithmetic
{
    /// <summary>The value of <c>left name right</c>.</summary>
    /// <exception cref="TemplateFault">The operands do not go together, or the result is too large.</exception>
    public static object Apply(string name, object? left, object? right, Budget budget)
    {
        if (name == "%" && left is string format) return PercentFormat.Apply(format, right, budget);
        if (left is Undefined undefined) throw undefined.Fault();
        if (right is Undefined missing) throw missing.Fault();
        if (name == "+" && left is string text && right is string end) return Joined(text, end, budget);
        if (name == "+" && Joined(left, right, budget) is { } joined) return joined;
        if (name == "*" && Repeated(left, right, budget) is { } repeated) return repeated;
        left = Number(left);
        right = Number(right);
        try
        {
            if (left is long a && right is long b) return Integers(name, a, b);
            if (left is long or double && right is long or double) return Reals(name, Convert.ToDouble(left, null), Convert.ToDouble(right, null));
        }
        catch (OverflowException)
        {
            throw new TemplateFault($"the result of '{name}' does not fit into 64 bits");
        }

        throw new TemplateFault($"'{name}' cannot be applied to {TypeNames.Of(left)} and {TypeNames.Of(right)}");
    }

    /// <summary>The value with its sign kept or turned.</summary>
    public static object Sign(object? value, bool negative)
    {
        if (value is Undefined undefined) throw undefined.Fault();
        return Number(value) switch
        {
            long integer when negative => (object)(integer == long.MinValue ? throw new TemplateFault("the result of '-' does not fit into 64 bits") : -integer),
            double real when negative => -real,
            long integer => integer,
            double real => real,
            _ => throw new TemplateFault($"{TypeNames.Of(value)} has no sign"),
        };
    }

    /// <summary>Booleans as numbers; others as they are.</summary>
    public static object? Number(object? value) => value is bool flag ? (flag ? 1L : 0L) : value;

    private static string Joined(string left, string right, Budget budget)
    {
        budget.NewText((long)left.Length + right.Length);
        return left + right;
    }

    private static SequenceValue? Joined(object? left, object? right, Budget budget)
    {
        if (left is not SequenceValue { Kind: SequenceKind.List or SequenceKind.Tuple } first || right is not SequenceValue second || first.Kind != second.Kind) return null;
        budget.Steps(first.Items.Count + (long)second.Items.Count);
        return new SequenceValue(first.Kind, [.. first.Items, .. second.Items]);
    }

    private static object? Repeated(object? left, object? right, Budget budget)
    {
        if (left is long or bool && right is string or SequenceValue) (left, right) = (right, left);
        if (Number(right) is not long count) return null;
        count = Math.Max(0, count);
        switch (left)
        {
            case string text:
                if (text.Length > 0 && count > Limits.Text) throw new TemplateFault($"a text would be longer than {Limits.Text} characters");
                if (text.Length == 0) return "";
                budget.NewText(text.Length * count);
                return new System.Text.StringBuilder().Insert(0, text, (int)count).ToString();
            case SequenceValue { Kind: SequenceKind.List or SequenceKind.Tuple } sequence:
                if (sequence.Items.Count == 0) return sequence;
                if (count > Limits.Steps) throw new TemplateFault("a list would be too long");
                budget.Steps(sequence.Items.Count * count);
                List<object?> items = [];
                for (long i = 0; i < count; i++) items.AddRange(sequence.Items);
                return new SequenceValue(sequence.Kind, items);
            default:
                return null;
        }
    }

    private static object Integers(string name, long left, long right) => name switch
    {
        "+" => (object)checked(left + right),
        "-" => checked(left - right),
        "*" => checked(left * right),
        "/" => right == 0 ? throw DividedByZero() : (object)((double)left / right),
        "//" => right == 0 ? throw DividedByZero() : FloorDivide(left, right),
        "%" => right == 0 ? throw DividedByZero() : right == -1 ? 0L : FloorRemainder(left, right),
        _ => right < 0 ? (object)Reals(name, left, right) : Power(left, right),
    };

    // The sign of the remainder is that of the divisor.
    private static long FloorRemainder(long left, long right)
    {
        long remainder = left % right;
        return remainder != 0 && (remainder < 0) != (right < 0) ? remainder + right : remainder;
    }

    private static double FloorRemainder(double left, double right)
    {
        double remainder = left % right;
        return remainder != 0 && (remainder < 0) != (right < 0) ? remainder + right : remainder;
    }

    private static long FloorDivide(long left, long right)
    {
        long quotient = checked(left / right);
        return left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient;
    }

    private static long Power(long value, long exponent)
    {
        long result = 1;
        for (long square = value; exponent > 0; exponent >>= 1)
        {
            if ((exponent & 1) != 0) result = checked(result * square);
            if (exponent > 1) square = checked(square * square);
        }

        return result;
    }

    private static double Reals(string name, double left, double right)
    {
        if (right == 0 && (name is "/" or "//" or "%")) throw DividedByZero();
        if (name == "**" && left == 0 && right < 0) throw DividedByZero();
        double result = name switch
        {
            "+" => left + right,
            "-" => left - right,
            "*" => left * right,
            "/" => left / right,
            "//" => Math.Round((left - FloorRemainder(left, right)) / right),
            "%" => FloorRemainder(left, right),
            _ => Math.Pow(left, right),
        };
        return double.IsFinite(result) || name != "**" || !double.IsFinite(left) || !double.IsFinite(right) ? result : throw new TemplateFault("the result of '**' is too large or no real number");
    }

    private static TemplateFault DividedByZero() => new("division by zero");
}
