using System.Globalization;
using System.Text;
using Ration.Cli.Output;

namespace Ration.Cli.Chat.LineEditing;

/// <summary>A row of the screen.</summary>
/// <param name="Text">What is written there.</param>
/// <param name="Cells">How many cells that takes.</param>
/// <param name="EndsLine">Whether a line of the text ends here; otherwise the terminal wraps it, or it is the last.</param>
internal readonly record struct ScreenRow(string Text, int Cells, bool EndsLine);

/// <summary>
/// How an edited text stands on a screen of some width: each line after its prompt, wrapped where the terminal wraps it. The last row always
/// has room for the cursor.
/// </summary>
internal sealed class LineLayout
{
    private const string Tab = "    ";
    private const char Circle = '\u25CC';
    private readonly List<ScreenRow> _rows = [];
    private readonly StringBuilder _row = new();
    private int _cells;

    /// <summary>Lays a text out.</summary>
    /// <param name="prompts">What stands before the first line, and before each other.</param>
    /// <param name="text">The text.</param>
    /// <param name="cursor">The place of the cursor in it, at the edge of a cluster.</param>
    /// <param name="width">Cells of a row, 2 or more.</param>
    public LineLayout((string First, string Other) prompts, string text, int cursor, int width)
    {
        Write(prompts.First, width);
        for (int at = 0, length; at < text.Length; at += length)
        {
            length = StringInfo.GetNextTextElementLength(text.AsSpan(at));
            if (text[at] == '\n')
            {
                if (at == cursor) MarkCursor();
                EndRow(endsLine: true);
                Write(prompts.Other, width);
                continue;
            }

            ReadOnlySpan<char> shown = Shown(text.AsSpan(at, length));
            // As on any terminal, a tab does not go on in the next row.
            if (text[at] == '\t') shown = shown[..Math.Clamp(width - _cells, 1, Tab.Length)];
            int cells = text[at] == '\t' ? shown.Length : CellWidth.OfCluster(shown);
            if (_cells + cells > width) EndRow(endsLine: false);
            if (at == cursor) MarkCursor();
            _row.Append(shown);
            _cells += cells;
        }

        if (_cells >= width) EndRow(endsLine: false);
        if (cursor >= text.Length) MarkCursor();
        EndRow(endsLine: false);
    }

    /// <summary>The rows, from the top.</summary>
    public IReadOnlyList<ScreenRow> Rows => _rows;

    /// <summary>The row of the cursor.</summary>
    public int CursorRow { get; private set; }

    /// <summary>What stands before the cursor in its row.</summary>
    public string BeforeCursor { get; private set; } = "";

    // A mark without a letter stands on a circle: it shall not join what is before it.
    private static ReadOnlySpan<char> Shown(ReadOnlySpan<char> cluster)
    {
        if (cluster is ['\t']) return Tab;
        if (cluster is [var single] && TerminalWriter.Shown(single) is var shown && shown != single) return new string(shown, 1);
        return CellWidth.OfCluster(cluster) > 0 ? cluster : $"{Circle}{cluster}";
    }

    private void Write(string prompt, int width)
    {
        _cells = CellWidth.OfText(prompt);
        if (_cells >= width) (prompt, _cells) = ("", 0);
        _row.Append(prompt);
    }

    private void MarkCursor() => (CursorRow, BeforeCursor) = (_rows.Count, _row.ToString());

    private void EndRow(bool endsLine)
    {
        _rows.Add(new ScreenRow(_row.ToString(), _cells, endsLine));
        _row.Clear();
        _cells = 0;
    }
}
