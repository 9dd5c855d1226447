using System.Text;
using Ration.Cli.Chat.LineEditing;

namespace Ration.Cli.Output;

/// <summary>Breaks lines between words where a terminal would break them in the middle of one.</summary>
internal static class WordWrap
{
    private const int Narrowest = 20, Indentation = 2;

    /// <summary>A text for standard output.</summary>
    public static string ForOutput(string text) => Console.IsOutputRedirected ? text : Of(text, Console.WindowWidth);

    /// <summary>A text for standard error.</summary>
    public static string ForError(string text) => StatusLine.IsTerminal ? Of(text, Console.WindowWidth) : text;

    /// <summary>The text in rows of so many cells; what goes on in another row is set in a little. A word that is longer than a row stays whole.</summary>
    public static string Of(string text, int width)
    {
        if (width < Narrowest || text.Length <= width / 2) return text;
        return string.Join('\n', text.Split('\n').Select(line => OfLine(line, width)));
    }

    private static string OfLine(string line, int width)
    {
        StringBuilder rows = new();
        int indentation = line.Length - line.TrimStart(' ').Length + Indentation;
        if (indentation > width / 2) indentation = 0;
        ReadOnlySpan<char> rest = line;
        int room = width;
        while (!CellWidth.Fits(rest, room) && BreakOf(rest, room) is var end and > 0)
        {
            rows.Append(rest[..end].TrimEnd(' ')).Append('\n').Append(' ', indentation);
            rest = rest[end..].TrimStart(' ');
            room = width - indentation;
        }

        return rows.Append(rest).ToString();
    }

    // The last space that leaves no more than the width before it, else the first of all, after what the line is set in; 0 for none.
    private static int BreakOf(ReadOnlySpan<char> line, int width)
    {
        int found = 0;
        for (int at = line.Length - line.TrimStart(' ').Length; at < line.Length; at++)
        {
            if (line[at] != ' ') continue;
            if (found > 0 && !CellWidth.Fits(line[..at], width)) break;
            found = at;
        }

        return found;
    }
}
