using System.Globalization;
using System.Text;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Values as Python's <c>json.dumps</c> writes them.</summary>
/// <param name="budget">What may be used.</param>
/// <param name="escapesNonAscii">Whether characters beyond ASCII are escaped.</param>
/// <param name="indent">What each level is indented by, or null for one line.</param>
/// <param name="itemSeparator">What stands between items.</param>
/// <param name="keySeparator">What stands between a key and its value.</param>
/// <param name="sortsKeys">Whether keys are written in order.</param>
internal sealed class JsonText(Budget budget, bool escapesNonAscii, string? indent, string itemSeparator, string keySeparator, bool sortsKeys)
{
    private readonly StringBuilder _output = new();

    /// <summary>The text of <paramref name="value"/>.</summary>
    /// <exception cref="TemplateFault">It holds what JSON has not, is too deep or too long.</exception>
    public string Write(object? value)
    {
        Append(value, 0);
        budget.Characters(_output.Length);
        return _output.ToString();
    }

    private void Append(object? value, int depth)
    {
        if (depth > Limits.ValueDepth) throw new TemplateFault($"a value is more than {Limits.ValueDepth} deep");
        if (_output.Length > Limits.Text) throw new TemplateFault($"a text would be longer than {Limits.Text} characters");
        budget.Steps(1);
        switch (value)
        {
            case string text: AppendText(text); break;
            case DictValue dict: AppendDict(dict, depth); break;
            case SequenceValue { Kind: SequenceKind.List or SequenceKind.Tuple } sequence: AppendList(sequence, depth); break;
            default: _output.Append(Scalar(value)); break;
        }
    }

    private static string Scalar(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        double real => double.IsNaN(real) ? "NaN" : double.IsInfinity(real) ? (real > 0 ? "Infinity" : "-Infinity") : PythonRepresentation.Float(real),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new TemplateFault($"{TypeNames.Of(value)} cannot be written as JSON"),
    };

    private void AppendList(SequenceValue sequence, int depth)
    {
        _output.Append('[');
        for (int i = 0; i < sequence.Items.Count; i++)
        {
            if (i > 0) _output.Append(itemSeparator);
            NewLine(depth + 1);
            Append(sequence.Items[i], depth + 1);
        }

        if (sequence.Items.Count > 0) NewLine(depth);
        _output.Append(']');
    }

    private void AppendDict(DictValue dict, int depth)
    {
        _output.Append('{');
        bool first = true;
        IEnumerable<KeyValuePair<object?, object?>> pairs = dict.Pairs;
        if (sortsKeys) pairs = Sorting.Sort([.. dict.Pairs], (a, b) => Comparison.Order(a.Key, b.Key, budget) ?? 0);
        foreach ((object? key, object? value) in pairs)
        {
            if (!first) _output.Append(itemSeparator);
            first = false;
            NewLine(depth + 1);
            AppendText(key as string ?? Scalar(key));
            _output.Append(keySeparator);
            Append(value, depth + 1);
        }

        if (!first) NewLine(depth);
        _output.Append('}');
    }

    private void NewLine(int depth)
    {
        if (indent is null) return;
        budget.NewText(1 + ((long)depth * indent.Length));
        _output.Append('\n');
        for (int i = 0; i < depth; i++) _output.Append(indent);
    }

    private void AppendText(string text)
    {
        budget.Characters(text.Length);
        _output.Append('"');
        foreach (char c in text)
        {
            switch (c)
            {
                case '"': _output.Append("\\\""); break;
                case '\\': _output.Append("\\\\"); break;
                case '\n': _output.Append("\\n"); break;
                case '\r': _output.Append("\\r"); break;
                case '\t': _output.Append("\\t"); break;
                case '\b': _output.Append("\\b"); break;
                case '\f': _output.Append("\\f"); break;
                case < ' ': _output.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)); break;
                case > '\x7e' when escapesNonAscii && c != '\x7f': _output.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)); break;
                default: _output.Append(c); break;
            }
        }

        _output.Append('"');
    }
}
