namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Python's comparisons.</summary>
internal static class Comparison
{
    /// <summary>Whether <c>left name right</c> holds.</summary>
    /// <exception cref="TemplateFault">The values have no order, or <paramref name="right"/> holds nothing.</exception>
    public static bool Holds(string name, object? left, object? right, Budget budget) => name switch
    {
        "==" => AreEqual(left, right, budget),
        "!=" => !AreEqual(left, right, budget),
        "in" => Contains(right, left, budget),
        "not in" => !Contains(right, left, budget),
        _ => IsOrdered(name, left, right, budget),
    };

    /// <summary>Whether two values are equal.</summary>
    public static bool AreEqual(object? left, object? right, Budget budget, int depth = 0)
    {
        if (depth > Limits.ValueDepth) throw new TemplateFault($"a value is more than {Limits.ValueDepth} deep");
        budget.Steps(1);
        (left, right) = (Plain(left), Plain(right));
        switch (left, right)
        {
            case (string a, string b):
                budget.Characters(Math.Min(a.Length, b.Length));
                return a == b;
            case (long a, long b): return a == b;
            case (long or double, long or double): return Convert.ToDouble(left, null) == Convert.ToDouble(right, null);
            case (Undefined, Undefined): return true;
            case (SequenceValue a, SequenceValue b): return ReferenceEquals(a, b) || (a.Kind == b.Kind && a.Kind != SequenceKind.Generator && ItemsAreEqual(a.Items, b.Items, budget, depth));
            case (DictValue a, DictValue b): return ReferenceEquals(a, b) || DictsAreEqual(a, b, budget, depth);
            default: return Equals(left, right);
        }
    }

    /// <summary>Whether a list has the item, a dict the key, a text the part.</summary>
    public static bool Contains(object? container, object? item, Budget budget)
    {
        if (container is string text)
        {
            if (item is Undefined undefined) throw undefined.Fault();
            if (item is not string part) throw new TemplateFault($"text cannot hold {TypeNames.Of(item)}");
            budget.Characters(text.Length);
            return text.Contains(part, StringComparison.Ordinal);
        }

        if (container is DictValue dict) return DictValue.IsHashable(item) ? dict.TryGet(item, out _) : throw new TemplateFault($"{TypeNames.Of(item)} cannot be a key");
        foreach (object? candidate in Iteration.Items(container, budget))
        {
            if (AreEqual(candidate, item, budget)) return true;
        }

        return false;
    }

    /// <summary>Order of two values: negative, zero or positive; null where one is not a number.</summary>
    /// <exception cref="TemplateFault">The values have no order.</exception>
    public static int? Order(object? left, object? right, Budget budget, int depth = 0)
    {
        if (depth > Limits.ValueDepth) throw new TemplateFault($"a value is more than {Limits.ValueDepth} deep");
        budget.Steps(1);
        (left, right) = (Plain(left), Plain(right));
        switch (left, right)
        {
            case (Undefined undefined, _): throw undefined.Fault();
            case (_, Undefined undefined): throw undefined.Fault();
            case (long a, long b): return a.CompareTo(b);
            case (long or double, long or double):
                double x = Convert.ToDouble(left, null), y = Convert.ToDouble(right, null);
                return double.IsNaN(x) || double.IsNaN(y) ? null : x.CompareTo(y);
            case (string a, string b):
                budget.Characters(Math.Min(a.Length, b.Length));
                return PythonText.Compare(a, b);
            case (SequenceValue { Kind: SequenceKind.List or SequenceKind.Tuple } a, SequenceValue b) when a.Kind == b.Kind: return OrderOfItems(a.Items, b.Items, budget, depth);
            default: throw new TemplateFault($"{TypeNames.Of(left)} and {TypeNames.Of(right)} have no order");
        }
    }

    private static bool IsOrdered(string name, object? left, object? right, Budget budget) => Order(left, right, budget) is int order && name switch
    {
        "<" => order < 0,
        "<=" => order <= 0,
        ">" => order > 0,
        _ => order >= 0,
    };

    private static object? Plain(object? value) => value is bool flag ? (flag ? 1L : 0L) : value;

    private static bool ItemsAreEqual(IReadOnlyList<object?> left, IReadOnlyList<object?> right, Budget budget, int depth)
    {
        if (left.Count != right.Count) return false;
        for (int i = 0; i < left.Count; i++)
        {
            if (!AreEqual(left[i], right[i], budget, depth + 1)) return false;
        }

        return true;
    }

    private static bool DictsAreEqual(DictValue left, DictValue right, Budget budget, int depth)
    {
        if (left.Pairs.Count != right.Pairs.Count) return false;
        foreach ((object? key, object? value) in left.Pairs)
        {
            if (!right.TryGet(key, out object? other) || !AreEqual(value, other, budget, depth + 1)) return false;
        }

        return true;
    }

    private static int? OrderOfItems(IReadOnlyList<object?> left, IReadOnlyList<object?> right, Budget budget, int depth)
    {
        for (int i = 0; i < Math.Min(left.Count, right.Count); i++)
        {
            if (!AreEqual(left[i], right[i], budget, depth + 1)) return Order(left[i], right[i], budget, depth + 1);
        }

        return left.Count.CompareTo(right.Count);
    }
}
