using System.Text;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Python's <c>'…%s…' % values</c>.</summary>
internal sealed class PercentFormat
{
    private readonly string _format;
    private readonly object? _values;
    private readonly Budget _budget;
    private int _next;

    private PercentFormat(string format, object? values, Budget budget) => (_format, _values, _budget) = (format, values, budget);

    /// <summary>The text with its values put in.</summary>
    /// <param name="format">The text.</param>
    /// <param name="values">A tuple of values, a dict of named values, or one value.</param>
    /// <param name="budget">What may be used.</param>
    public static string Apply(string format, object? values, Budget budget)
    {
        PercentFormat apply = new(format, values, budget);
        string text = apply.Apply();
        bool unused = values is SequenceValue { Kind: SequenceKind.Tuple } tuple ? apply._next < tuple.Items.Count : values is not (DictValue or SequenceValue) && apply._next == 0;
        return unused ? throw new TemplateFault("not all values are used by the format") : text;
    }

    private string Apply()
    {
        StringBuilder output = new();
        for (int i = 0; i < _format.Length;)
        {
            int percent = _format.IndexOf('%', i);
            if (percent < 0) percent = _format.Length;
            output.Append(_format, i, percent - i);
            i = percent;
            if (i < _format.Length) i = AppendValue(output, i + 1);
            if (output.Length > Limits.Text) throw new TemplateFault($"a text would be longer than {Limits.Text} characters");
        }

        _budget.NewText(output.Length);
        return output.ToString();
    }

    private int AppendValue(StringBuilder output, int i)
    {
        string? key = null;
        if (i < _format.Length && _format[i] == '(')
        {
            int end = _format.IndexOf(')', i);
            if (end < 0) throw new TemplateFault("a format's name does not end");
            key = _format[(i + 1)..end];
            i = end + 1;
        }

        int flags = i;
        while (i < _format.Length && "-+ 0#".Contains(_format[i], StringComparison.Ordinal)) i++;
        string flag = _format[flags..i];
        int width = NumberFormat.ReadNumber(_format, ref i) ?? 0;
        int? precision = null;
        if (i < _format.Length && _format[i] == '.')
        {
            i++;
            precision = NumberFormat.ReadNumber(_format, ref i) ?? 0;
        }

        if (i >= _format.Length) throw new TemplateFault("a format ends after '%'");
        char type = _format[i];
        string text = type == '%' ? "%" : Convert(type, key is null ? NextValue() : Named(key), flag, width, precision);
        _budget.NewText(text.Length);
        output.Append(text);
        return i + 1;
    }

    private string Convert(char type, object? value, string flags, int width, int? precision)
    {
        if (type is 's' or 'r' or 'a')
        {
            string text = type == 's' ? PythonRepresentation.Print(value, _budget) : PythonRepresentation.Represent(value, _budget);
            if (precision is int longest && longest < text.Length) text = text[..PythonText.UnitOf(text, longest)];
            return NumberFormat.Pad(text, width, flags.Contains('-', StringComparison.Ordinal) ? '<' : '>', ' ');
        }

        if (type == 'c' && value is string { Length: > 0 and <= 2 } character) return NumberFormat.Pad(character, width, '>', ' ');
        if (value is Undefined undefined) throw undefined.Fault();
        if (type is 'i' or 'u') type = 'd';
        if (type == 'd' && value is double real) value = NumberFormat.Truncate(real);
        char sign = flags.Contains('+', StringComparison.Ordinal) ? '+' : flags.Contains(' ', StringComparison.Ordinal) ? ' ' : '-';
        string number = NumberFormat.Number(type, value, precision, sign, grouped: false);
        if (flags.Contains('-', StringComparison.Ordinal)) return NumberFormat.Pad(number, width, '<', ' ');
        return flags.Contains('0', StringComparison.Ordinal) ? NumberFormat.Pad(number, width, '=', '0') : NumberFormat.Pad(number, width, '>', ' ');
    }

    private object? Named(string key)
    {
        if (_values is not DictValue dict) throw new TemplateFault("a format with names needs a dict");
        return dict.TryGet(key, out object? value) ? value : throw new TemplateFault($"the format names {InvalidInputException.Quote(key)}, which is not given");
    }

    private object? NextValue()
    {
        int index = _next++;
        if (_values is SequenceValue { Kind: SequenceKind.Tuple } tuple) return index < tuple.Items.Count ? tuple.Items[index] : throw TooFew();
        return index == 0 ? _values : throw TooFew();
    }

    private static TemplateFault TooFew() => new("the format needs more values than are given");
}
