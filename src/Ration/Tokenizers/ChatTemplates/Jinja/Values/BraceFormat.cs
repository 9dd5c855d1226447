using System.Text;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Python's <c>'…{}…'.format(values)</c>, with names and numbers of values, but no attributes of them.</summary>
internal static class BraceFormat
{
    /// <summary>The text with its values put in.</summary>
    public static string Apply(string format, IReadOnlyList<object?> values, IReadOnlyList<(string Name, object? Value)> named, Budget budget)
    {
        StringBuilder output = new();
        int next = 0;
        for (int i = 0; i < format.Length; i++)
        {
            char c = format[i];
            bool doubled = c is '{' or '}' && i + 1 < format.Length && format[i + 1] == c;
            if (c is not ('{' or '}') || doubled)
            {
                output.Append(c);
                if (doubled) i++;
                continue;
            }

            int end = format.IndexOf('}', i);
            if (c == '}' || end < 0) throw new TemplateFault($"a format holds a single '{c}'");
            string text = Field(format[(i + 1)..end], values, named, ref next, budget);
            budget.NewText(text.Length);
            if (output.Length > Limits.Text) throw new TemplateFault($"a text would be longer than {Limits.Text} characters");
            output.Append(text);
            i = end;
        }

        budget.NewText(output.Length);
        return output.ToString();
    }

    private static string Field(string field, IReadOnlyList<object?> values, IReadOnlyList<(string Name, object? Value)> named, ref int next, Budget budget)
    {
        int colon = field.IndexOf(':', StringComparison.Ordinal);
        string spec = colon < 0 ? "" : field[(colon + 1)..], name = colon < 0 ? field : field[..colon];
        bool represent = name.EndsWith("!r", StringComparison.Ordinal);
        if (represent || name.EndsWith("!s", StringComparison.Ordinal)) name = name[..^2];
        object? value = Value(name, values, named, ref next);
        if (represent) value = PythonRepresentation.Represent(value, budget);
        return spec.Length == 0 ? PythonRepresentation.Print(value, budget) : Format(value, spec, budget);
    }

    private static object? Value(string name, IReadOnlyList<object?> values, IReadOnlyList<(string Name, object? Value)> named, ref int next)
    {
        if (name.Length == 0 || char.IsAsciiDigit(name[0]))
        {
            int at = 0;
            int index = name.Length == 0 ? next++ : NumberFormat.ReadNumber(name, ref at)!.Value;
            if (at == name.Length) return index < values.Count ? values[index] : throw new TemplateFault("the format needs more values than are given");
        }

        foreach ((string given, object? value) in named)
        {
            if (given == name) return value;
        }

        throw new TemplateFault($"the format names {InvalidInputException.Quote(name)}, which is not given");
    }

    // [[fill]align][sign][0][width][,][.precision][type]
    private static string Format(object? value, string spec, Budget budget)
    {
        int i = 0;
        char fill = ' ', align = '\0';
        if (spec.Length > 1 && "<>^=".Contains(spec[1], StringComparison.Ordinal)) (fill, align, i) = (spec[0], spec[1], 2);
        else if ("<>^=".Contains(spec[0], StringComparison.Ordinal)) (align, i) = (spec[0], 1);
        char sign = i < spec.Length && spec[i] is '+' or '-' or ' ' ? spec[i++] : '-';
        if (i < spec.Length && spec[i] == '0' && align == '\0') (fill, align, i) = ('0', '=', i + 1);
        int width = NumberFormat.ReadNumber(spec, ref i) ?? 0;
        bool grouped = i < spec.Length && spec[i] == ',';
        if (grouped) i++;
        int? precision = null;
        if (i < spec.Length && spec[i] == '.')
        {
            i++;
            precision = NumberFormat.ReadNumber(spec, ref i);
        }

        char type = i < spec.Length ? spec[i++] : '\0';
        if (i < spec.Length) throw new TemplateFault($"a format holds {InvalidInputException.Quote(spec)}");
        if (value is string text && type is 's' or '\0')
        {
            text = PythonRepresentation.Print(value, budget);
            if (precision is int longest) text = text[..PythonText.UnitOf(text, longest)];
            return NumberFormat.Pad(text, width, align == '\0' ? '<' : align, fill);
        }

        if (type == '\0' && value is double && precision is null) return NumberFormat.Pad(PythonRepresentation.Print(value, budget), width, align == '\0' ? '>' : align, fill);
        if (type == '\0') type = value is double ? 'g' : 'd';
        return NumberFormat.Pad(NumberFormat.Number(type, value, precision, sign, grouped), width, align == '\0' ? '>' : align, fill);
    }
}
