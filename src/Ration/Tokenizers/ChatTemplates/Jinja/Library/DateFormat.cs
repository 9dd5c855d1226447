using System.Globalization;
using System.Text;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>C's <c>strftime</c> in the English of the C locale.</summary>
internal static class DateFormat
{
    /// <summary>The time in that format; an unknown directive stays as it is.</summary>
    public static string Apply(string format, DateTime time)
    {
        StringBuilder output = new();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                output.Append(format[i]);
                continue;
            }

            bool unpadded = format[i + 1] == '-' && i + 2 < format.Length;
            i += unpadded ? 2 : 1;
            string? text = Directive(format[i], time);
            if (text is null) output.Append('%').Append(unpadded ? "-" : "").Append(format[i]);
            else output.Append(unpadded && text.Length > 1 ? text[..^1].TrimStart('0', ' ') + text[^1] : text);
        }

        return output.ToString();
    }

    private static string? Directive(char letter, DateTime time) => letter switch
    {
        'a' => Text("ddd", time),
        'A' => Text("dddd", time),
        'b' or 'h' => Text("MMM", time),
        'B' => Text("MMMM", time),
        'c' => Text("ddd MMM ", time) + time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2) + Text(" HH:mm:ss yyyy", time),
        'd' => Text("dd", time),
        'D' or 'x' => Text("MM'/'dd'/'yy", time),
        'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'f' => Text("ffffff", time),
        'F' => Text("yyyy-MM-dd", time),
        'H' => Text("HH", time),
        'I' => Text("hh", time),
        'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'm' => Text("MM", time),
        'M' => Text("mm", time),
        'n' => "\n",
        'p' => time.Hour < 12 ? "AM" : "PM",
        'S' => Text("ss", time),
        't' => "\t",
        'T' or 'X' => Text("HH:mm:ss", time),
        'u' => (time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'y' => Text("yy", time),
        'Y' => Text("yyyy", time),
        'Z' or 'z' => "",
        '%' => "%",
        _ => null,
    };

    private static string Text(string format, DateTime time) => time.ToString(format, CultureInfo.InvariantCulture);
}
