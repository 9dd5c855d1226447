using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Ration.Cli.Chat.LineEditing;

namespace Ration.Tests.LineEditing;

/// <summary>What is drawn is what a terminal shows that gets the text written to it once, with the cursor where it is in the text.</summary>
public sealed class LineScreenTests
{
    private const int RowsBefore = 5;

    [Fact]
    public void A_terminal_shows_the_text_after_each_edit() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(
        RandomEdit.Sequences, Gen.Choose(8, 20).ToArbitrary(), static (edits, width) => IsShown(edits, width, height: 120)));

    [Fact]
    public void A_terminal_scrolls_where_the_text_reaches_its_end() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(
        RandomEdit.Sequences, Gen.Choose(40, 60).ToArbitrary(), static (edits, width) => IsShown(edits.Where(static e => e.Text != "\n"), width, RowsBefore + 3)));

    [Fact]
    public void Of_a_text_higher_than_the_screen_the_part_around_the_cursor_is_shown() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(
        RandomEdit.Sequences, Gen.Choose(8, 12).ToArbitrary(), Gen.Choose(1, 4).ToArbitrary(), static (edits, width, height) =>
        {
            EditedText text = new();
            LineScreen screen = new(("> ", ". "));
            ScreenEmulator emulator = new(width, height);
            foreach (RandomEdit edit in edits)
            {
                edit.ApplyTo(text);
                emulator.Write(screen.Draw(text, width, height));
                (string[] rows, (int row, int column)) = Expected(text, width);
                int top = row - emulator.Cursor.Row;
                string[] shown = [.. rows.Skip(top).Take(height)];
                if (top < 0 || column != Math.Min(emulator.Cursor.Column, width - 1) || !emulator.Rows.Take(shown.Length).SequenceEqual(shown)) return false;
            }

            return true;
        }));

    [Fact]
    public void Ending_leaves_the_whole_text_and_goes_below_it()
    {
        EditedText text = new();
        LineScreen screen = new(("> ", ". "));
        ScreenEmulator emulator = new(10, 8);
        text.Insert("one two three\nfour");
        text.MoveUp();
        emulator.Write(screen.Draw(text, 10, 8));
        emulator.Write(screen.End(text, 10, 8));
        Assert.Equal(["> one two", "three", ". four", "", "", "", "", ""], emulator.Rows);
        Assert.Equal((3, 0), emulator.Cursor);
        text.Replace("next");
        emulator.Write(screen.Draw(text, 10, 8));
        Assert.Equal(["> one two", "three", ". four", "> next"], emulator.Rows.Take(4));
        emulator.Write(screen.Clear(text, 10, 8));
        Assert.Equal(["> next", "", "", "", "", "", "", ""], emulator.Rows);
        Assert.Equal((0, 6), emulator.Cursor);
    }

    [Theory]
    [InlineData(20, 10)]
    [InlineData(10, 20)]
    [InlineData(20, 13)]
    public void A_screen_that_wraps_its_rows_anew_is_drawn_over(int before, int after)
    {
        EditedText text = new();
        LineScreen screen = new(("> ", ". "));
        text.Insert("the rows of this text are wrapped\nmore than once");
        for (int moves = 0; moves < text.Text.Length; moves++)
        {
            screen.Draw(text, before, 30);
            ScreenEmulator emulator = new(after, 30);
            emulator.Write("before\r\n" + new LineScreen(("> ", ". ")).Draw(text, after, 30));
            emulator.Write(screen.Draw(text, after, 30));
            Assert.Equal(["before", .. Expected(text, after).Rows], emulator.Rows.TakeWhile(static r => r.Length > 0));
            screen.End(text, after, 30);
            text.MoveLeft();
        }
    }

    private static bool IsShown(IEnumerable<RandomEdit> edits, int width, int height)
    {
        EditedText text = new();
        LineScreen screen = new(("> ", ". "));
        ScreenEmulator emulator = new(width, height);
        string[] before = [.. Enumerable.Range(0, RowsBefore).Select(static i => $"row {i}")];
        emulator.Write(string.Concat(before.Select(static row => $"{row}\r\n")));
        foreach (RandomEdit edit in edits)
        {
            edit.ApplyTo(text);
            (string[] rows, (int row, int column)) = Expected(text, width);
            if (rows.Length > height) return true;
            emulator.Write(screen.Draw(text, width, height));
            string[] all = [.. before, .. rows], shown = [.. all.Skip(emulator.Scrolled), .. Enumerable.Repeat("", height)];
            bool isAtCursor = (emulator.Cursor.Row + emulator.Scrolled - RowsBefore, Math.Min(emulator.Cursor.Column, width - 1)) == (row, column);
            if (!isAtCursor || !emulator.Rows.SequenceEqual(shown.Take(height))) return false;
        }

        return true;
    }

    // Written cluster by cluster to a screen that is high enough.
    private static (string[] Rows, (int Row, int Column) Cursor) Expected(EditedText edited, int width)
    {
        string text = edited.Text;
        ScreenEmulator emulator = new(width, text.Length + 2);
        (int Row, int Column)? cursor = null;
        emulator.Write("> ");
        for (int at = 0, length; at < text.Length; at += length)
        {
            length = StringInfo.GetNextTextElementLength(text.AsSpan(at));
            string shown = text.Substring(at, length);
            bool isCursor = at == edited.Cursor;
            if (shown == "\n" && isCursor) cursor = (emulator.Cursor.Row, Math.Min(emulator.Cursor.Column, width - 1));
            string[] written = shown switch
            {
                "\n" => ["\r\n. "],
                "\t" => [" ", new string(' ', Math.Clamp(width - 1 - emulator.Cursor.Column, 0, 3))],
                "\u0007" => ["\u2407"],
                _ when CellWidth.OfCluster(shown) == 0 => [$"\u25CC{shown}"],
                _ => [shown],
            };
            emulator.Write(written[0]);
            if (isCursor) cursor ??= emulator.Last;
            emulator.Write(string.Concat(written.Skip(1)));
        }

        (int Row, int Column) end = emulator.Cursor.Column == width ? (emulator.Cursor.Row + 1, 0) : emulator.Cursor;
        return (emulator.Rows[..(end.Row + 1)], cursor ?? end);
    }
}
