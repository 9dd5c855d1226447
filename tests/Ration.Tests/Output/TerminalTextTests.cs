using Ration.Cli.Chat.LineEditing;
using Ration.Cli.Output;
using Ration.Training;

namespace Ration.Tests.Output;

public sealed class TerminalTextTests
{
    [Theory]
    [InlineData("short", "short")]
    [InlineData("twenty characters ok", "twenty characters ok")]
    [InlineData("twenty characters, no", "twenty characters,\n  no")]
    [InlineData("  memory: weights and everything", "  memory: weights\n    and everything")]
    [InlineData("日本語 日本語 日本語 日", "日本語 日本語 日本語\n  日")]
    [InlineData("/a/path/without/any/space and more", "/a/path/without/any/space\n  and more")]
    [InlineData("a\nb /a/path/without/any/space", "a\nb\n  /a/path/without/any/space")]
    [InlineData("columns    of     a table", "columns    of     a\n  table")]
    [InlineData("", "")]
    public void Rows_end_between_words(string text, string rows) => Assert.Equal(rows, WordWrap.Of(text, 20));

    [Fact]
    public void No_word_is_lost_and_none_is_too_far_right()
    {
        Random random = new(3);
        for (int trial = 0; trial < 2000; trial++)
        {
            string[] words = [.. Enumerable.Range(0, random.Next(40)).Select(_ => new string('x', random.Next(1, 18)))];
            int width = random.Next(20, 90);
            string wrapped = WordWrap.Of(string.Join(' ', words), width);
            Assert.Equal(words, wrapped.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
            Assert.All(wrapped.Split('\n'), row => Assert.True(CellWidth.OfText(row) <= width, row));
        }
    }

    [Fact]
    public void Rows_of_a_long_line_take_linear_time()
    {
        // Quadratic time would be minutes.
        string wrapped = WordWrap.Of(string.Join(' ', Enumerable.Repeat("word", 1_000_000)), 22);
        Assert.Equal(250_000, wrapped.Split('\n').Length);
        Assert.All(wrapped.Split('\n').Skip(1), static row => Assert.Equal("  word word word word", row));
    }

    [Fact]
    public void The_progress_of_a_long_run_is_not_cut_at_80_columns()
    {
        TrainingProgress progress = new(123_456, 200_000, 10.345f, 1e-3, 123_456, new TimeSpan(12, 40, 0));
        string text = ProgressDisplay.Text(progress, 82L << 20, 100L << 20);
        Assert.Equal("step 123456/200000  loss 10.345  12 h 40 min left  123,456 tok/s  memory 82 %", text);
        Assert.True(text.Length < 80);
    }

    [Theory]
    [InlineData(0, 79)]
    [InlineData(-1, 79)]
    [InlineData(5, 20)]
    [InlineData(60, 59)]
    [InlineData(200, 100)]
    public void A_line_of_progress_is_as_wide_as_the_terminal_says_it_is(int columns, int length) => Assert.Equal(length, StatusLine.Fit(new string('x', 100), columns).Length);

    [Theory]
    [InlineData(0, "0 files")]
    [InlineData(1, "1 file")]
    [InlineData(2000, "2,000 files")]
    public void One_is_no_plural(long count, string text) => Assert.Equal(text, Counted.Of(count, "file"));
}
