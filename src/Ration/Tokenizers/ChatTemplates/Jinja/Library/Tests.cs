using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>Jinja's tests: <c>x is name</c>.</summary>
internal static class Tests
{
    private static readonly FunctionTable s_table = Create();

    /// <summary>The test of that name.</summary>
    /// <exception cref="TemplateFault">There is none.</exception>
    public static Function Find(string name) => s_table.Find(name) ?? throw new TemplateFault($"there is no test {InvalidInputException.Quote(name)}");

    private static FunctionTable Create()
    {
        FunctionTable table = new();
        AddTypes(table);
        AddComparisons(table);
        table.Add("odd", "value", static c => IsMultiple(c, 2, 1));
        table.Add("even", "value", static c => IsMultiple(c, 2, 0));
        table.Add("divisibleby", "value num", static c => IsMultiple(c, c[1], 0));
        table.Add("lower", "value", static c => IsCased(c.Printed(0), char.IsLower, char.IsUpper));
        table.Add("upper", "value", static c => IsCased(c.Printed(0), char.IsUpper, char.IsLower));
        table.Add("escaped", "value", static _ => false);
        table.Add("filter", "value", static c => c[0] is string name && Filters.Exists(name));
        table.Add("test", "value", static c => c[0] is string name && s_table.Find(name) is not null);
        return table;
    }

    /// <summary>Whether there are letters of one case and none of the other.</summary>
    public static bool IsCased(string text, Func<char, bool> wanted, Func<char, bool> other) => text.Any(wanted) && !text.Any(other);

    private static void AddTypes(FunctionTable table)
    {
        table.Add("defined", "value", static c => c[0] is not Undefined);
        table.Add("undefined", "value", static c => c[0] is Undefined);
        table.Add("none", "value", static c => c[0] is null);
        table.Add("boolean", "value", static c => c[0] is bool);
        table.Add("true", "value", static c => c[0] is true);
        table.Add("false", "value", static c => c[0] is false);
        table.Add("integer", "value", static c => c[0] is long or System.Numerics.BigInteger);
        table.Add("float", "value", static c => c[0] is double);
        table.Add("number", "value", static c => c[0] is bool or long or double or System.Numerics.BigInteger);
        table.Add("string", "value", static c => c[0] is string);
        table.Add("mapping", "value", static c => c[0] is DictValue);
        table.Add("sequence", "value", static c => c[0] is string or DictValue or SequenceValue { HasItems: true } or Undefined);
        table.Add("iterable", "value", static c => Iteration.IsIterable(c[0]));
        table.Add("callable", "value", static c => c[0] is ICallable);
        table.Add("sameas", "value other", static c => IsSame(c[0], c[1]));
    }

    private static void AddComparisons(FunctionTable table)
    {
        ReadOnlySpan<(string Names, string Operator)> comparisons =
        [
            ("== eq equalto", "=="), ("!= ne", "!="), ("> gt greaterthan", ">"), (">= ge", ">="), ("< lt lessthan", "<"), ("<= le", "<="), ("in", "in"),
        ];
        foreach ((string names, string name) in comparisons) table.Add(names, "value other", c => Comparison.Holds(name, c[0], c[1], c.Budget));
    }

    private static bool IsMultiple(Invocation call, object? divisor, long remainder)
    {
        if (call[0] is string) throw new TemplateFault("text is no number");
        return Comparison.AreEqual(Arithmetic.Apply("%", call[0], divisor is int fixedDivisor ? (long)fixedDivisor : divisor, call.Budget), remainder, call.Budget);
    }

    private static bool IsSame(object? left, object? right) => left is ValueType || left is string ? Equals(left, right) : ReferenceEquals(left, right);
}
