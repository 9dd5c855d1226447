using System.Globalization;
using System.Text;

namespace Ration.Cli.Chat.LineEditing;

/// <summary>
/// A text that is being edited, and the place of the cursor in it. The cursor stands before or after a grapheme cluster, never inside one:
/// what a person takes for a character is passed over and deleted as a whole. The text may have several lines.
/// </summary>
internal sealed class EditedText
{
    /// <summary>The text; its lines end in \n.</summary>
    public string Text { get; private set; } = "";

    /// <summary>How many UTF-16 units are before the cursor.</summary>
    public int Cursor { get; private set; }

    private int LineStart => Text.AsSpan(0, Cursor).LastIndexOf('\n') + 1;

    private int LineEnd => Text.IndexOf('\n', Cursor) is var end and >= 0 ? end : Text.Length;

    /// <summary>Takes another text, with the cursor at its end.</summary>
    public void Replace(string text) => (Text, Cursor) = (text, text.Length);

    /// <summary>Puts a text where the cursor is; the cursor comes after it.</summary>
    public void Insert(string text) => Change(Cursor, Cursor, text);

    /// <summary>Deletes the cluster before the cursor.</summary>
    public void DeleteBackward() => Change(Before(Cursor), Cursor);

    /// <summary>Deletes the cluster after the cursor.</summary>
    public void DeleteForward() => Change(Cursor, After(Cursor));

    /// <summary>Deletes to the start of the line; there, the end of the line before.</summary>
    public void DeleteToStart() => Change(LineStart == Cursor ? Before(Cursor) : LineStart, Cursor);

    /// <summary>Deletes to the end of the line; there, the line end.</summary>
    public void DeleteToEnd() => Change(Cursor, LineEnd == Cursor ? After(Cursor) : LineEnd);

    /// <summary>Deletes back to where letters and digits begin.</summary>
    public void DeleteWordBackward() => Change(Back(IsOfWord), Cursor);

    /// <summary>Deletes to where letters and digits end.</summary>
    public void DeleteWordForward() => Change(Cursor, Forth(IsOfWord));

    /// <summary>Deletes back to white space.</summary>
    public void DeleteToSpace() => Change(Back(static first => !Rune.IsWhiteSpace(first)), Cursor);

    /// <summary>A cluster to the left.</summary>
    public void MoveLeft() => Cursor = Before(Cursor);

    /// <summary>A cluster to the right.</summary>
    public void MoveRight() => Cursor = After(Cursor);

    /// <summary>To the start of the word, or of the word before.</summary>
    public void MoveWordLeft() => Cursor = Back(IsOfWord);

    /// <summary>To the end of the word, or of the next.</summary>
    public void MoveWordRight() => Cursor = Forth(IsOfWord);

    /// <summary>To the start of the line.</summary>
    public void MoveToStart() => Cursor = LineStart;

    /// <summary>To the end of the line.</summary>
    public void MoveToEnd() => Cursor = LineEnd;

    /// <summary>To the line above, below the same cell as far as it is so long; false in the first line.</summary>
    public bool MoveUp()
    {
        int start = LineStart;
        if (start == 0) return false;
        int cells = CellWidth.OfText(Text.AsSpan(start, Cursor - start));
        Cursor = start - 1;
        MoveToCell(LineStart, cells);
        return true;
    }

    /// <summary>To the line below; false in the last.</summary>
    public bool MoveDown()
    {
        int start = LineStart, end = LineEnd;
        if (end == Text.Length) return false;
        MoveToCell(end + 1, CellWidth.OfText(Text.AsSpan(start, Cursor - start)));
        return true;
    }

    private static bool IsOfWord(Rune first) => Rune.IsLetterOrDigit(first) || first.Value == '_';

    private void MoveToCell(int lineStart, int cells)
    {
        Cursor = lineStart;
        for (int end = LineEnd; Cursor < end; Cursor = After(Cursor))
        {
            cells -= CellWidth.OfCluster(Text.AsSpan(Cursor, After(Cursor) - Cursor));
            if (cells < 0) return;
        }
    }

    // What stands beside a change may join into one cluster with it; then the cursor comes after that.
    private void Change(int start, int end, string inserted = "")
    {
        Text = string.Concat(Text.AsSpan(0, start), inserted, Text.AsSpan(end));
        Cursor = start + inserted.Length;
        int boundary = LineStart;
        while (boundary < Cursor) boundary = After(boundary);
        Cursor = boundary;
    }

    private int After(int boundary) => boundary + StringInfo.GetNextTextElementLength(Text.AsSpan(boundary));

    // Clusters can only be found going forward; a line end is never part of one.
    private int Before(int boundary)
    {
        int before = Text.AsSpan(0, boundary).LastIndexOf('\n') + 1;
        if (before == boundary) return Math.Max(boundary - 1, 0);
        for (int next = After(before); next < boundary; next = After(before)) before = next;
        return before;
    }

    private int Forth(Func<Rune, bool> isWanted)
    {
        int at = Cursor;
        while (at < Text.Length && !isWanted(FirstRune(at))) at = After(at);
        while (at < Text.Length && isWanted(FirstRune(at))) at = After(at);
        return at;
    }

    // One pass from the left: the start of the last run that is wanted.
    private int Back(Func<Rune, bool> isWanted)
    {
        int start = 0;
        bool isInside = false;
        for (int at = 0; at < Cursor; at = After(at))
        {
            bool wanted = isWanted(FirstRune(at));
            if (wanted && !isInside) start = at;
            isInside = wanted;
        }

        return start;
    }

    private Rune FirstRune(int at)
    {
        Rune.DecodeFromUtf16(Text.AsSpan(at), out Rune first, out _);
        return first;
    }
}
