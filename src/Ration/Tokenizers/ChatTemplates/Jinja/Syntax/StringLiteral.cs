using System.Globalization;
using System.Text;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Syntax;

/// <summary>Escapes in quoted texts: those of Python's string literals.</summary>
internal static class StringLiteral
{
    private const string Plain = "\\'\"abfnrtv";
    private const string Meaning = "\\'\"\a\b\f\n\r\t\v";

    /// <summary>The text that was meant. An unknown escape keeps its backslash.</summary>
    /// <exception cref="TemplateFault">A numbered escape is cut off or beyond Unicode.</exception>
    public static string Unescape(ReadOnlySpan<char> quoted, int line)
    {
        if (!quoted.Contains('\\')) return quoted.ToString();
        StringBuilder text = new(quoted.Length);
        for (int i = 0; i < quoted.Length; i++)
        {
            if (quoted[i] != '\\' || i == quoted.Length - 1)
            {
                text.Append(quoted[i]);
                continue;
            }

            char c = quoted[++i];
            int plain = Plain.IndexOf(c, StringComparison.Ordinal);
            if (plain >= 0) text.Append(Meaning[plain]);
            else if (c is 'x' or 'u' or 'U') i += AppendHex(text, quoted[(i + 1)..], c switch { 'x' => 2, 'u' => 4, _ => 8 }, line);
            else if (c is >= '0' and <= '7') i += AppendOctal(text, quoted[i..]) - 1;
            else if (c == 'N') throw new TemplateFault("characters cannot be named by \\N", line);
            else if (c != '\n') text.Append('\\').Append(c);
        }

        return text.ToString();
    }

    private static int AppendHex(StringBuilder text, ReadOnlySpan<char> digits, int count, int line)
    {
        if (digits.Length < count || !uint.TryParse(digits[..count], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code) || code > 0x10FFFF)
        {
            throw new TemplateFault("a quoted text holds a wrong \\x, \\u or \\U escape", line);
        }

        if (code > 0xFFFF) text.Append(char.ConvertFromUtf32((int)code));
        else text.Append((char)code);
        return count;
    }

    private static int AppendOctal(StringBuilder text, ReadOnlySpan<char> digits)
    {
        int code = 0, count = 0;
        for (; count < 3 && count < digits.Length && digits[count] is >= '0' and <= '7'; count++) code = (code * 8) + digits[count] - '0';
        text.Append((char)code);
        return count;
    }
}
