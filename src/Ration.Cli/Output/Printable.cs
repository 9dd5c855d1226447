using System.Globalization;
using System.Text;

namespace Ration.Cli.Output;

/// <summary>Text from files, made safe for a terminal: nothing in it can move the cursor or change colours.</summary>
internal static class Printable
{
    /// <summary>The text on one line, control characters escaped, cut where it is longer than wanted.</summary>
    public static string Of(string text, int longest = int.MaxValue)
    {
        bool isCut = text.Length > longest;
        if (!isCut && !text.Any(IsControl)) return text;
        StringBuilder line = new(Math.Min(text.Length, longest) + 16);
        // A character of two halves is not cut in the middle.
        int end = isCut && char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : Math.Min(text.Length, longest);
        foreach (char c in text.AsSpan(0, end))
        {
            if (c == '\n') line.Append("\\n");
            else if (IsControl(c)) line.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            else line.Append(c);
        }

        if (isCut) line.Append(CultureInfo.InvariantCulture, $"… ({text.Length:N0} characters)");
        return line.ToString();
    }

    // Marks that turn the direction of writing can hide text as well.
    private static bool IsControl(char c) => char.IsControl(c) || c is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
