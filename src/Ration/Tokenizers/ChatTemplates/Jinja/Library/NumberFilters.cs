using System.Globalization;
using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>Filters of numbers.</summary>
internal static class NumberFilters
{
    /// <summary>Adds them.</summary>
    public static void AddTo(FunctionTable table)
    {
        table.Add("abs", "value", static c => Absolute(c[0]));
        table.Add("int", "value default? base?", ToInteger);
        table.Add("float", "value default?", ToFloat);
        table.Add("round", "value precision? method?", Round);
    }

    private static object Absolute(object? value) => Arithmetic.Number(value) switch
    {
        long integer => Arithmetic.Sign(integer, integer < 0),
        double real => Math.Abs(real),
        _ => throw new TemplateFault($"{TypeNames.Of(value)} has no absolute value"),
    };

    private static object? ToInteger(Invocation call)
    {
        if (call[0] is Undefined undefined) throw undefined.Fault();
        object? value = Arithmetic.Number(call[0]);
        if (value is long) return value;
        if (value is string text && TryInteger(PythonText.Trim(text).Replace("_", "", StringComparison.Ordinal), call.Integer(2, 10), out long parsed)) return parsed;
        double? real = value as double? ?? (value is string digits ? Real(digits) : null);
        return real is double finite && double.IsFinite(finite) ? NumberFormat.Truncate(finite) : call.Get(1, 0L);
    }

    private static object? ToFloat(Invocation call)
    {
        if (call[0] is Undefined undefined) throw undefined.Fault();
        return Arithmetic.Number(call[0]) switch
        {
            long integer => (double)integer,
            double real => real,
            string text => Real(text) ?? call.Get(1, 0.0),
            _ => call.Get(1, 0.0),
        };
    }

    private static bool TryInteger(string text, long radix, out long value)
    {
        value = 0;
        if (radix == 10) return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
        if (radix is < 2 or > 36) throw new TemplateFault("the base of a number is from 2 to 36");
        bool negative = text.StartsWith('-');
        string digits = text.TrimStart('-', '+').ToLowerInvariant();
        string prefix = radix switch { 16 => "0x", 8 => "0o", 2 => "0b", _ => "\0" };
        if (digits.StartsWith(prefix, StringComparison.Ordinal)) digits = digits[2..];
        foreach (char c in digits)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetterLower(c) ? c - 'a' + 10 : int.MaxValue;
            if (digit >= radix || value > (long.MaxValue - digit) / radix) return false;
            value = (value * radix) + digit;
        }

        if (negative) value = -value;
        return digits.Length > 0;
    }

    private static double? Real(string text)
    {
        string trimmed = PythonText.Trim(text).Replace("_", "", StringComparison.Ordinal);
        return trimmed.TrimStart('-', '+').ToLowerInvariant() switch
        {
            "inf" or "infinity" => trimmed[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity,
            "nan" => double.NaN,
            _ => double.TryParse(trimmed, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out double value) ? value : null,
        };
    }

    private static object Round(Invocation call)
    {
        object? number = Arithmetic.Number(call[0]);
        if (number is not (long or double)) throw new TemplateFault($"{TypeNames.Of(call[0])} cannot be rounded");
        long precision = Math.Clamp(call.Integer(1), -300, 300);
        string method = call.Has(2) ? call.Text(2) : "common";
        if (method is not ("common" or "ceil" or "floor")) throw new TemplateFault("the method of 'round' is 'common', 'ceil' or 'floor'");
        if (method == "common" && number is long && precision >= 0) return number;
        double value = Convert.ToDouble(number, null), scale = Math.Pow(10, precision);
        if (method == "common") return RoundHalf(value, (int)precision);
        return (method == "ceil" ? Math.Ceiling(value * scale) : Math.Floor(value * scale)) / scale;
    }

    // Formatting rounds the exact binary value, as Python does; multiplying first would not.
    private static double RoundHalf(double value, int precision)
    {
        if (!double.IsFinite(value) || precision > 22) return value;
        if (precision == 0) return Math.Round(value, MidpointRounding.ToEven);
        double scale = Math.Pow(10, -precision);
        if (precision < 0) return Math.Round(value / scale, MidpointRounding.ToEven) * scale;
        return double.Parse(value.ToString("F" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }
}
