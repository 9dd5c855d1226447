using System.Globalization;
using Ration.Cli.Chat.LineEditing;

namespace Ration.Tests.LineEditing;

/// <summary>A terminal of the kind of xterm, as far as line editors use one: it wraps late, scrolls, moves up and clears.</summary>
internal sealed class ScreenEmulator(int width, int height)
{
    // The right half of a wide character is an empty string, an empty cell is null.
    private readonly List<string?[]> _rows = [.. Enumerable.Range(0, height).Select(_ => new string?[width])];

    /// <summary>Row and column of the cursor; behind the last cell while it waits to wrap.</summary>
    public (int Row, int Column) Cursor { get; private set; }

    /// <summary>Where the last character was put.</summary>
    public (int Row, int Column) Last { get; private set; }

    /// <summary>How many rows left the screen at its top.</summary>
    public int Scrolled { get; private set; }

    /// <summary>What each row shows, without empty cells at its end.</summary>
    public string[] Rows => [.. _rows.Select(static row => string.Concat(row.Select(static c => c ?? " ")).TrimEnd(' '))];

    /// <summary>Takes what a program writes.</summary>
    public void Write(string output)
    {
        for (int at = 0; at < output.Length;)
        {
            int length = output[at] == '\u001B' ? Escape(output, at) : Print(output, at);
            at += length;
        }
    }

    private int Print(string output, int at)
    {
        switch (output[at])
        {
            case '\r': Cursor = (Cursor.Row, 0); return 1;
            case '\n': LineFeed(); return 1;
            case < ' ': throw new InvalidOperationException($"a control character reached the screen: {(int)output[at]:x2}");
        }

        int length = StringInfo.GetNextTextElementLength(output.AsSpan(at));
        string cluster = output.Substring(at, length);
        int cells = CellWidth.OfCluster(cluster);
        if (cells == 0)
        {
            _rows[Cursor.Row][Math.Max(0, Cursor.Column - 1)] += cluster;
            return length;
        }

        if (Cursor.Column + cells > width)
        {
            Cursor = (Cursor.Row, 0);
            LineFeed();
        }

        Last = Cursor;
        for (int i = 0; i < cells; i++) Put(Cursor.Row, Cursor.Column + i, i == 0 ? cluster : "");
        Cursor = (Cursor.Row, Cursor.Column + cells);
        return length;
    }

    // Half a wide character is none.
    private void Put(int row, int column, string? value)
    {
        string?[] cells = _rows[row];
        if (cells[column] == "" && value != "") cells[column - 1] = null;
        if (column + 1 < width && cells[column + 1] == "") cells[column + 1] = null;
        cells[column] = value;
    }

    private void LineFeed()
    {
        if (Cursor.Row < height - 1)
        {
            Cursor = (Cursor.Row + 1, Cursor.Column);
            return;
        }

        _rows.RemoveAt(0);
        _rows.Add(new string?[width]);
        Scrolled++;
    }

    private int Escape(string output, int at)
    {
        int end = at + 2;
        while (output[end] is >= '0' and < '@') end++;
        string parameter = output[(at + 2)..end];
        (int row, int column) = Cursor;
        switch (output[end])
        {
            case 'A' when int.Parse(parameter, CultureInfo.InvariantCulture) is var up && up > 0: Cursor = (Math.Max(0, row - up), Math.Min(column, width - 1)); break;
            case 'H' when parameter == "": Cursor = (0, 0); break;
            case 'J' when parameter == "2": ClearRows(0); break;
            case 'J' when parameter == "": ClearRow(row, Math.Min(column, width - 1)); ClearRows(row + 1); break;
            case 'K' when parameter == "": ClearRow(row, Math.Min(column, width - 1)); break;
            default: throw new InvalidOperationException($"not a sequence for a line: {parameter}{output[end]}");
        }

        return end + 1 - at;
    }

    private void ClearRows(int first)
    {
        for (int row = first; row < height; row++) ClearRow(row, 0);
    }

    private void ClearRow(int row, int column)
    {
        for (; column < width; column++) Put(row, column, null);
    }
}
