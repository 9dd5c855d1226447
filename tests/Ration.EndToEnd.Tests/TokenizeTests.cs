using System.Text.Json;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

public sealed class TokenizeTests(TrainedModel trained)
{
    [Fact]
    public void Text_becomes_ids_and_ids_become_text()
    {
        using TestFolder folder = new();
        string vocabulary = Vocabulary.Write(folder);
        Assert.Equal("2 0 3 1 7\n", ToolRun.Run("tokenize", "--model", vocabulary, "--text", "aba bé").AssertDone().Output);
        Assert.Equal("aba bé", ToolRun.Run("tokenize", "--model", vocabulary, "--text", "2 0,[3]\n1 7", "--decode").AssertDone().Output);
        JsonElement json = ToolRun.Run("tokenize", "--model", vocabulary, "--text", "ab", "--json").AssertDone().Json();
        Assert.Equal([2], json.GetProperty("tokens").EnumerateArray().Select(static t => t.GetInt32()));
        Assert.Equal("ab", ToolRun.Run("tokenize", "--model", vocabulary, "--text", "2", "--decode", "--json").AssertDone().Json().GetProperty("text").GetString());
    }

    [Fact]
    public void A_dash_is_standard_input()
    {
        using TestFolder folder = new();
        string vocabulary = Vocabulary.Write(folder);
        Assert.Equal("2 0 3 1 7\n", ToolRun.RunWithInput("aba bé\n", "tokenize", "--model", vocabulary, "--text", "-").AssertDone().Output);
    }

    [Fact]
    public void A_text_that_begins_with_an_at_is_no_file_of_arguments()
    {
        using TestFolder folder = new();
        File.WriteAllText(folder["a"], "--json");
        ToolResult result = ToolRun.RunIn(folder.Root, "tokenize", "--model", trained.Output, "--text", "@a");
        Assert.Equal("64 97\n", result.AssertDone().Output);
        Assert.Equal("64 46\n", ToolRun.RunIn(folder.Root, "tokenize", "--model", trained.Output, "--text", "@.").AssertDone().Output);
    }

    [Fact]
    public void Bytes_that_are_no_text_stay_what_they_are()
    {
        Assert.Equal("97 255 98\n", ToolRun.RunWithInput([(byte)'a', 0xFF, (byte)'b', (byte)'\n'], "tokenize", "--model", trained.Output, "--text", "-").AssertDone().Output);
    }

    [Fact]
    public void A_preset_is_neither_offered_nor_taken()
    {
        Assert.Contains("a shape without files", ToolRun.Run("tokenize", "--model", "preset:nano", "--text", "a").AssertRefusedAtOnce(2), StringComparison.Ordinal);
        foreach (string command in (string[])["tokenize", "generate", "chat", "eval", "convert"])
            Assert.DoesNotContain("preset:", ToolRun.Run(command, "--help").AssertDone().Output, StringComparison.Ordinal);
        Assert.Contains("preset:", ToolRun.Run("train", "--help").AssertDone().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Special_tokens_are_found_and_shown_only_when_asked_for()
    {
        using TestFolder folder = new();
        string vocabulary = Vocabulary.Write(folder);
        Assert.Equal("0 4\n", ToolRun.Run("tokenize", "--model", vocabulary, "--text", "a<|turn|>", "--special").AssertDone().Output);
        Assert.NotEqual("0 4\n", ToolRun.Run("tokenize", "--model", vocabulary, "--text", "a<|turn|>").AssertDone().Output);
        Assert.Equal("a", ToolRun.Run("tokenize", "--model", vocabulary, "--text", "0 4", "--decode").AssertDone().Output);
        Assert.Equal("a<|turn|>", ToolRun.Run("tokenize", "--model", vocabulary, "--text", "0 4", "--decode", "--special").AssertDone().Output);
    }

    [Fact]
    public void A_long_file_goes_through_in_pieces_and_comes_back_as_it_was()
    {
        using TestFolder folder = new();
        string text = string.Concat(Enumerable.Repeat("ab b a é", 100_000));
        File.WriteAllText(folder["text"], text);
        string vocabulary = Vocabulary.Write(folder);
        string ids = ToolRun.Run("tokenize", "--model", vocabulary, "--file", folder["text"]).AssertDone().Output;
        Assert.Equal(ids, ToolRun.RunWithInput(text, "tokenize", "--model", vocabulary, "--file", "-").AssertDone().Output);
        Assert.Equal(8 * 100_000, ids.Split(' ').Length + ids.Split(' ').Count(static id => id.Trim() == "2"));
        Assert.Equal(text, ToolRun.RunWithInput(ids, "tokenize", "--model", vocabulary, "--file", "-", "--decode").AssertDone().Output);
    }

    [Fact]
    public void A_trained_model_has_bytes_for_tokens()
    {
        Assert.Equal("104 195 169\n", ToolRun.Run("tokenize", "--model", trained.Output, "--text", "hé").AssertDone().Output);
    }

    [Fact]
    public void What_cannot_be_tokenized_is_refused_in_one_line()
    {
        using TestFolder folder = new();
        string vocabulary = Vocabulary.Write(folder);
        Assert.Contains("--file", ToolRun.Run("tokenize", "--model", vocabulary).AssertRefusedAtOnce(2), StringComparison.Ordinal);
        Assert.Contains("there is no token 8", ToolRun.Run("tokenize", "--model", vocabulary, "--text", "8", "--decode").AssertRefusedAtOnce(2), StringComparison.Ordinal);
        Assert.Contains("byte 3", ToolRun.Run("tokenize", "--model", vocabulary, "--text", "1 x", "--decode").AssertRefusedAtOnce(2), StringComparison.Ordinal);
        Assert.Contains("no such file", ToolRun.Run("tokenize", "--model", vocabulary, "--file", folder["none"]).AssertRefusedAtOnce(2), StringComparison.Ordinal);
    }
}
