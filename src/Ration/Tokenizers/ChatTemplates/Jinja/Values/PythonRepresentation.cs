using System.Globalization;
using System.Text;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Values as Python's <c>str</c> and <c>repr</c> write them.</summary>
internal static class PythonRepresentation
{
    /// <summary>As <c>str</c> writes it.</summary>
    public static string Print(object? value, Budget budget)
    {
        switch (value)
        {
            case string text: return text;
            case Undefined: return "";
            default:
                StringBuilder output = new();
                Append(output, value, budget, 0);
                budget.Characters(output.Length);
                return output.ToString();
        }
    }

    /// <summary>As <c>repr</c> writes it: texts in quotes.</summary>
    public static string Represent(object? value, Budget budget)
    {
        StringBuilder output = new();
        Append(output, value, budget, 0);
        budget.Characters(output.Length);
        return output.ToString();
    }

    /// <summary>A float: the shortest digits that mean it, with an exponent from 1e16 on and below 1e-4.</summary>
    public static string Float(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        if (value == 0) return double.IsNegative(value) ? "-0.0" : "0.0";
        string[] parts = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture).Split('E');
        int point = parts[0].IndexOf('.', StringComparison.Ordinal) is var at and >= 0 ? at : parts[0].Length;
        string all = parts[0].Replace(".", "", StringComparison.Ordinal), digits = all.TrimStart('0');
        int exponent = point - 1 - (all.Length - digits.Length);
        if (parts.Length > 1) exponent += int.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return (value < 0 ? "-" : "") + Layout(digits.TrimEnd('0'), exponent);
    }

    private static string Layout(string digits, int exponent)
    {
        if (exponent is < -4 or >= 16)
        {
            string fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";
        }

        if (exponent < 0) return "0." + new string('0', -exponent - 1) + digits;
        return digits.Length <= exponent + 1 ? digits.PadRight(exponent + 1, '0') + ".0" : digits[..(exponent + 1)] + "." + digits[(exponent + 1)..];
    }

    private static void Append(StringBuilder output, object? value, Budget budget, int depth)
    {
        if (depth > Limits.ValueDepth) throw new TemplateFault($"a value is more than {Limits.ValueDepth} deep");
        if (output.Length > Limits.Text) throw new TemplateFault($"a text would be longer than {Limits.Text} characters");
        budget.Steps(1);
        switch (value)
        {
            case null: output.Append("None"); break;
            case bool flag: output.Append(flag ? "True" : "False"); break;
            case double real: output.Append(Float(real)); break;
            case string text: AppendQuoted(output, text, budget); break;
            case DictValue dict: AppendDict(output, dict, budget, depth); break;
            case SequenceValue sequence: AppendSequence(output, sequence, budget, depth); break;
            case Undefined: output.Append("Undefined"); break;
            case IFormattable number: output.Append(number.ToString(null, CultureInfo.InvariantCulture)); break;
            default: throw new TemplateFault($"{TypeNames.Of(value)} cannot be printed");
        }
    }

    private static void AppendSequence(StringBuilder output, SequenceValue sequence, Budget budget, int depth)
    {
        if (sequence.Kind == SequenceKind.Generator) throw new TemplateFault("a generator cannot be printed: it needs '| list'");
        if (sequence.Kind == SequenceKind.Range) throw new TemplateFault("a range cannot be printed: it needs '| list'");
        (string open, string close) = sequence.Kind switch { SequenceKind.Tuple => ("(", ")"), SequenceKind.View => ($"{sequence.Name}([", "])"), _ => ("[", "]") };
        output.Append(open);
        for (int i = 0; i < sequence.Items.Count; i++)
        {
            if (i > 0) output.Append(", ");
            Append(output, sequence.Items[i], budget, depth + 1);
        }

        if (sequence is { Kind: SequenceKind.Tuple, Items.Count: 1 }) output.Append(',');
        output.Append(close);
    }

    private static void AppendDict(StringBuilder output, DictValue dict, Budget budget, int depth)
    {
        output.Append('{');
        for (int i = 0; i < dict.Pairs.Count; i++)
        {
            if (i > 0) output.Append(", ");
            Append(output, dict.Pairs[i].Key, budget, depth + 1);
            output.Append(": ");
            Append(output, dict.Pairs[i].Value, budget, depth + 1);
        }

        output.Append('}');
    }

    private static void AppendQuoted(StringBuilder output, string text, Budget budget)
    {
        budget.Characters(text.Length);
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        output.Append(quote);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == quote || c == '\\') output.Append('\\').Append(c);
            else if (c == '\n') output.Append("\\n");
            else if (c == '\r') output.Append("\\r");
            else if (c == '\t') output.Append("\\t");
            else if (PythonText.IsPair(text, i)) AppendCodePoint(output, char.ConvertToUtf32(c, text[++i]));
            else AppendCodePoint(output, c);
        }

        output.Append(quote);
    }

    private static void AppendCodePoint(StringBuilder output, int code)
    {
        if (code is >= 32 and < 127) output.Append((char)code);
        else if (code > 127 && IsPrintable(code)) output.Append(char.ConvertFromUtf32(code));
        else if (code < 256) output.Append("\\x").Append(code.ToString("x2", CultureInfo.InvariantCulture));
        else if (code < 0x10000) output.Append("\\u").Append(code.ToString("x4", CultureInfo.InvariantCulture));
        else output.Append("\\U").Append(code.ToString("x8", CultureInfo.InvariantCulture));
    }

    private static bool IsPrintable(int code) => CharUnicodeInfo.GetUnicodeCategory(code) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
