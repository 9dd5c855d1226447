using System.Globalization;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Numbers in a given width, precision and base, as Python's formats write them.</summary>
internal static class NumberFormat
{
    private const int Widest = 10_000;
    private const int MostDigits = 100;

    /// <summary>Reads digits; null where there are none.</summary>
    /// <exception cref="TemplateFault">The number is beyond any sensible width.</exception>
    public static int? ReadNumber(string format, ref int at)
    {
        int start = at, value = 0;
        for (; at < format.Length && char.IsAsciiDigit(format[at]); at++)
        {
            value = (value * 10) + format[at] - '0';
            if (value > Widest) throw new TemplateFault($"a format's width is more than {Widest}");
        }

        return at > start ? value : null;
    }

    /// <summary>A number.</summary>
    /// <param name="type">Python's letter of the presentation: <c>d x X o b e E f F g G %</c>.</param>
    /// <param name="value">A number.</param>
    /// <param name="precision">Digits behind the point, or digits altogether for <c>g</c>.</param>
    /// <param name="sign">What stands before positive numbers: <c>+</c>, a blank, or <c>-</c> for nothing.</param>
    /// <param name="grouped">Whether commas part thousands.</param>
    public static string Number(char type, object? value, int? precision, char sign, bool grouped)
    {
        if (precision > MostDigits) throw new TemplateFault($"a format's precision is more than {MostDigits}");
        object? number = Arithmetic.Number(value);
        string digits;
        bool negative;
        if (number is long whole && type is 'd' or 'x' or 'X' or 'o' or 'b')
        {
            negative = whole < 0;
            digits = Digits(type, negative ? (ulong)-(whole + 1) + 1 : (ulong)whole).PadLeft(precision ?? 0, '0');
        }
        else if (number is long or double && type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%')
        {
            double real = Convert.ToDouble(number, null);
            negative = double.IsNegative(real);
            digits = double.IsFinite(real) ? Real(type, Math.Abs(real), precision ?? 6) : double.IsNaN(real) ? "nan" : "inf";
        }
        else
        {
            throw Wrong(type, value);
        }

        if (grouped) digits = Grouped(digits);
        return (negative ? "-" : sign == '-' ? "" : sign.ToString()) + digits;
    }

    /// <summary>Fills a text up to a width; <c>=</c> fills after the sign.</summary>
    public static string Pad(string text, int width, char align, char fill)
    {
        int missing = width - PythonText.Length(text);
        if (missing <= 0) return text;
        switch (align)
        {
            case '<': return text + new string(fill, missing);
            case '^': return new string(fill, missing / 2) + text + new string(fill, missing - (missing / 2));
            case '=' when text.Length > 0 && text[0] is '-' or '+' or ' ': return text[0] + new string(fill, missing) + text[1..];
            default: return new string(fill, missing) + text;
        }
    }

    /// <summary>A float without what is behind its point.</summary>
    /// <exception cref="TemplateFault">It does not fit into 64 bits.</exception>
    public static long Truncate(double value) =>
        Math.Abs(value) < 9.2e18 ? (long)value : throw new TemplateFault("a number does not fit into a 64-bit integer");

    private static string Digits(char type, ulong value) => type switch
    {
        'x' => value.ToString("x", CultureInfo.InvariantCulture),
        'X' => value.ToString("X", CultureInfo.InvariantCulture),
        'o' => Octal(value),
        'b' => value.ToString("b", CultureInfo.InvariantCulture),
        _ => value.ToString(CultureInfo.InvariantCulture),
    };

    private static string Octal(ulong value)
    {
        string digits = "";
        do digits = (char)('0' + (value & 7)) + digits;
        while ((value >>= 3) > 0);
        return digits;
    }

    private static string Real(char type, double value, int precision)
    {
        if (type == '%') return Real('f', value * 100, precision) + "%";
        if (type is 'f' or 'F') return value.ToString("F" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        if (type is 'e' or 'E') return Scientific(value, precision, type);
        precision = Math.Max(1, precision);
        int exponent = value == 0 ? 0 : int.Parse(Scientific(value, precision - 1, 'e').Split('e')[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (exponent >= -4 && exponent < precision) return WithoutZeros(Real('f', value, precision - 1 - exponent));
        string[] parts = Scientific(value, precision - 1, 'e').Split('e');
        return WithoutZeros(parts[0]) + (type == 'g' ? 'e' : 'E') + parts[1];
    }

    // .NET writes at least three digits of an exponent, Python two.
    private static string Scientific(double value, int precision, char letter)
    {
        string text = value.ToString("E" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        int exponent = text.IndexOf('E', StringComparison.Ordinal);
        string digits = text[(exponent + 2)..].TrimStart('0').PadLeft(2, '0');
        return text[..exponent] + letter + text[exponent + 1] + digits;
    }

    private static string WithoutZeros(string digits) => digits.Contains('.', StringComparison.Ordinal) ? digits.TrimEnd('0').TrimEnd('.') : digits;

    private static string Grouped(string digits)
    {
        int whole = 0;
        while (whole < digits.Length && char.IsAsciiDigit(digits[whole])) whole++;
        for (int at = whole - 3; at > 0; at -= 3) digits = digits.Insert(at, ",");
        return digits;
    }

    private static TemplateFault Wrong(char type, object? value) => new($"the format '{type}' does not fit {TypeNames.Of(value)}");
}
