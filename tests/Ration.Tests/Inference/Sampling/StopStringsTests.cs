using System.Text;
using Ration.Inference.Sampling;

namespace Ration.Tests.Inference.Sampling;

/// <summary>Text ends before a stop string, and no part of one is handed on.</summary>
public sealed class StopStringsTests
{
    [Theory]
    [InlineData("Hello world", "wor", "Hello ", "wor")]
    [InlineData("aaab", "aab", "a", "aab")]
    [InlineData("abababac", "ababac", "ab", "ababac")]
    [InlineData("no stop here", "xyz|her.", "no stop here", null)]
    [InlineData("x<|end|>y", "<|end|>|<|e", "x", "<|e")]
    [InlineData("one\n\nUser: two", "\nUser:|User:", "one\n", "\nUser:")]
    [InlineData("ends with a part <|en", "<|end|>", "ends with a part <|en", null)]
    public void A_text_ends_before_the_first_stop_string_however_it_is_cut(string text, string stops, string expected, string? found)
    {
        string[] list = stops == "<|end|>|<|e" ? ["<|end|>", "<|e"] : stops == "<|end|>" ? [stops] : stops.Split('|');
        for (int piece = 1; piece <= text.Length; piece++)
        {
            StopStrings matcher = new(list);
            StringBuilder emitted = new();
            for (int start = 0; start < text.Length; start += piece)
            {
                emitted.Append(matcher.Append(text.Substring(start, Math.Min(piece, text.Length - start))));
                Assert.StartsWith(emitted.ToString(), expected, StringComparison.Ordinal);
            }

            emitted.Append(matcher.Finish());
            Assert.Equal(expected, emitted.ToString());
            Assert.Equal(found, matcher.Found);
        }
    }

    [Fact]
    public void No_more_is_held_back_than_might_be_the_beginning()
    {
        StopStrings matcher = new(["abcd"]);
        Assert.Equal("x", matcher.Append("xab"));
        Assert.Equal("ab", matcher.Append("ab"));
        Assert.Equal("abz", matcher.Append("z"));
        matcher.Reset();
        Assert.Equal("", matcher.Append("abcdabcd"));
        Assert.Equal("", matcher.Append("more"));
        matcher.Reset();
        Assert.Equal("more", matcher.Append("more"));
    }

    [Fact]
    public void Random_texts_agree_with_a_search_of_the_whole()
    {
        Random random = new(8);
        for (int round = 0; round < 2000; round++)
        {
            string text = Text(random, 30);
            string[] stops = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Text(random, random.Next(1, 5)))];
            StopStrings matcher = new(stops);
            StringBuilder emitted = new();
            for (int start = 0; start < text.Length;)
            {
                int count = Math.Min(random.Next(1, 6), text.Length - start);
                emitted.Append(matcher.Append(text.Substring(start, count)));
                start += count;
            }

            emitted.Append(matcher.Finish());
            Assert.Equal(Expected(text, stops), emitted.ToString());
        }
    }

    [Fact]
    public void Impossible_stop_strings_are_refused()
    {
        Assert.Throws<InvalidInputException>(() => new StopStrings([""]));
        Assert.Throws<InvalidInputException>(() => new StopStrings([new string('x', 5000)]));
        Assert.Throws<InvalidInputException>(() => new StopStrings([.. Enumerable.Repeat("x", 65)]));
        Assert.Equal("any", new StopStrings([]).Append("any"));
    }

    // What ends first; of those that end together, the longest.
    private static string Expected(string text, string[] stops)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            string[] ended = [.. stops.Where(s => text[..end].EndsWith(s, StringComparison.Ordinal))];
            if (ended.Length > 0) return text[..(end - ended.Max(static s => s.Length))];
        }

        return text;
    }

    private static string Text(Random random, int length) => string.Concat(Enumerable.Range(0, length).Select(_ => "ab"[random.Next(2)]));
}
