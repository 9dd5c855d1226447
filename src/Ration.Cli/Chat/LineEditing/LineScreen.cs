using System.Text;

namespace Ration.Cli.Chat.LineEditing;

/// <summary>
/// Says what to write to a terminal so that it shows an edited text, from the start of the row where its cursor is on. All of a change is one string,
/// and nothing is cleared before it is written over, so that nothing flickers. A text that is higher than the screen is shown around the cursor.
/// </summary>
/// <param name="prompts">What stands before the first line of the text, and before each other.</param>
internal sealed class LineScreen((string First, string Other) prompts)
{
    private const string ClearRest = "\u001B[K", ClearBelow = "\u001B[J", ClearAll = "\u001B[H\u001B[2J";

    private string _text = "";
    private int _cursor, _width, _height, _top, _rowsAbove;
    private bool _isHigher;

    /// <summary>Empties the screen and shows the text at its top.</summary>
    public string Clear(EditedText text, int width, int height)
    {
        Begin();
        return ClearAll + Draw(text.Text, text.Cursor, width, height);
    }

    /// <summary>Shows a text.</summary>
    public string Draw(EditedText text, int width, int height) => Draw(text.Text, text.Cursor, width, height);

    /// <summary>Leaves the text, shown to its end, for the row below it.</summary>
    public string End(EditedText text, int width, int height)
    {
        string drawn = Draw(text.Text, text.Text.Length, width, height);
        Begin();
        return drawn + "\r\n";
    }

    // The next text begins where the cursor of the terminal is, at the start of a row.
    private void Begin() => (_text, _cursor, _width, _top, _rowsAbove, _isHigher) = ("", 0, 0, 0, 0, false);

    private string Draw(string text, int cursor, int width, int height)
    {
        StringBuilder output = new();
        if (_width > 0 && (width, height) != (_width, _height)) Resize(output, width, height);
        LineLayout layout = new(prompts, text, cursor, width);
        if (_rowsAbove > 0) MoveUp(output, _rowsAbove);
        output.Append('\r');
        int rows = Math.Min(height, layout.Rows.Count);
        int top = Math.Clamp(_top, Math.Max(0, layout.CursorRow - rows + 1), Math.Min(layout.CursorRow, layout.Rows.Count - rows));
        for (int i = top; i < top + rows; i++) WriteRow(output, layout.Rows[i], width, isLast: i == top + rows - 1);
        if (layout.CursorRow < top + rows - 1) MoveUp(output, top + rows - 1 - layout.CursorRow);
        // Written again instead of counted in cells: so the cursor is right where a terminal thinks otherwise of how wide something is.
        output.Append('\r').Append(layout.BeforeCursor);
        (_text, _cursor, _width, _height, _top) = (text, cursor, width, height, top);
        (_rowsAbove, _isHigher) = (layout.CursorRow - top, layout.Rows.Count > height);
        return output.ToString();
    }

    // A terminal that changes its width wraps what it shows anew; where that leaves the start of the text nobody can say if it left the screen.
    private void Resize(StringBuilder output, int width, int height)
    {
        LineLayout layout = new(prompts, _text, _cursor, width);
        bool isLost = _isHigher || layout.Rows.Count > height;
        // After a full row at the end of the text the terminal's cursor is still in that row.
        bool isAfterFullRow = layout is { CursorRow: > 0, BeforeCursor: "" };
        _rowsAbove = isLost ? 0 : isAfterFullRow && _cursor == _text.Length ? layout.CursorRow - 1 : layout.CursorRow;
        _top = 0;
        if (isLost) output.Append(ClearAll);
    }

    private static void WriteRow(StringBuilder output, ScreenRow row, int width, bool isLast)
    {
        output.Append(row.Text);
        bool isFull = row.Cells >= width;
        // In the last cell a terminal waits for what comes next before it wraps: there is nothing to clear, and clearing would hit that cell.
        // A row that has one cell left is followed by a cluster of two, which does not stay in it.
        if (isLast) output.Append(isFull ? "" : ClearBelow);
        else if (row.EndsLine) output.Append(isFull ? "\r\n" : $"{ClearRest}\r\n");
        else output.Append(isFull ? " \r" : ClearRest);
    }

    private static void MoveUp(StringBuilder output, int rows) => output.Append("\u001B[").Append(rows).Append('A');
}
