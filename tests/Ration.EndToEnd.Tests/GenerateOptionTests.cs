using System.Text.Json;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

public sealed class GenerateOptionTests(TrainedModel trained)
{
    [Fact]
    public void The_prompt_can_come_from_a_file_or_standard_input()
    {
        using TestFolder folder = new();
        File.WriteAllText(folder["prompt"], "the old \n");
        string text = ToolRun.Run([.. Arguments(), "--prompt", "the old "]).AssertDone().Output;
        Assert.Equal(text, ToolRun.Run([.. Arguments(), "--prompt-file", folder["prompt"]]).AssertDone().Output);
        Assert.Equal(text, ToolRun.RunWithInput("the old ", [.. Arguments(), "--prompt", "-"]).AssertDone().Output);
    }

    [Theory]
    [InlineData(new byte[] { (byte)'a', 0, (byte)'b' })]
    [InlineData(new byte[] { (byte)'a', 0xE9, (byte)'b' })]
    public void A_prompt_that_is_no_text_is_refused(byte[] bytes)
    {
        using TestFolder folder = new();
        File.WriteAllBytes(folder["prompt"], bytes);
        Assert.Contains("no text", ToolRun.Run([.. Arguments(), "--prompt-file", folder["prompt"]]).AssertRefusedAtOnce(2), StringComparison.Ordinal);
    }

    [Fact]
    public void A_context_that_cuts_the_text_short_is_told_of()
    {
        ToolResult result = ToolRun.Run([.. Arguments(), "--prompt", "the old ", "--context", "12", "--ignore-end", "--json"]).AssertDone();
        int generated = result.Json().GetProperty("generatedTokens").GetInt32();
        Assert.True(generated < 20);
        Assert.Contains($"room for {generated} tokens after the prompt, and --max-tokens is 20", Note(result), StringComparison.Ordinal);
        Assert.DoesNotContain("note:", ToolRun.Run([.. Arguments(), "--prompt", "the old ", "--context", "40"]).AssertDone().Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_forbidden_token_does_not_come_and_a_wanted_one_does()
    {
        int[] tokens = Tokens();
        Assert.DoesNotContain(tokens[0], Tokens("--logit-bias", $"{tokens[0]}=-inf"));
        Assert.All(Tokens("--logit-bias", "90=1000"), static token => Assert.Equal(90, token));
    }

    [Fact]
    public void A_stop_string_ends_the_text_before_it()
    {
        JsonElement whole = Generate(), stopped = Generate("--stop", "\uFFFF", "--stop", whole.GetProperty("text").GetString()![4..6]);
        Assert.Equal("StopString", stopped.GetProperty("finish").GetString());
        Assert.StartsWith(stopped.GetProperty("text").GetString()!, whole.GetProperty("text").GetString()!, StringComparison.Ordinal);
        Assert.True(stopped.GetProperty("text").GetString()!.Length <= 4);
    }

    [Fact]
    public void Every_storage_of_weights_and_cache_generates()
    {
        foreach (string weights in (string[])["auto", "stored", "f32", "bf16", "q8_0", "q4_0"])
        {
            foreach (string cache in (string[])["auto", "f32", "f16", "bf16", "q8_0"])
                Assert.Equal(20, Tokens(["--weights", weights, "--cache", cache, .. weights == "stored" ? Array.Empty<string>() : ["--quality", "any"]]).Length);
        }

        Assert.Contains("give one or the other", ToolRun.Run([.. Arguments(), "--prompt", "the", "--weights", "stored", "--quality", "any"]).AssertRefusedAtOnce(2), StringComparison.Ordinal);
    }

    [Fact]
    public void Matrices_that_a_format_does_not_fit_are_named()
    {
        ToolResult result = ToolRun.Run([.. Arguments(), "--prompt", "the old ", "--weights", "q4_k", "--json"]).AssertDone();
        int others = result.Json().GetProperty("otherTypes").GetProperty("F32").GetInt32();
        Assert.Contains($"{others} tensors stay f32 instead of q4_k, which has blocks of 256", Note(result), StringComparison.Ordinal);
        Assert.Empty(Generate("--weights", "q8_0").GetProperty("otherTypes").EnumerateObject());
    }

    [Fact]
    public void What_cannot_be_used_is_refused_in_one_line()
    {
        foreach ((string option, string value) in ((string, string)[])
            [("--min-p", "2"), ("--typical-p", "0"), ("--repetition-penalty", "0"), ("--logit-bias", "x"), ("--logit-bias", "99999=1"), ("--stop", ""), ("--context", "3"),
                ("--cache", "q4_0"), ("--weights", "no"), ("--quality", "no")])
        {
            string complaint = ToolRun.Run([.. Arguments(), "--prompt", "the", option, value]).AssertRefusedAtOnce(2);
            Assert.Contains(option == "--stop" ? "stop" : option, complaint, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("fp4")]
    [InlineData("f8_e4m3")]
    [InlineData("f8_e5m2")]
    public void Weights_can_be_held_in_what_files_hold(string format)
    {
        string[] arguments = [.. Arguments(), "--prompt", "the", "--weights", format, "--json"];
        Assert.NotEqual("", ToolRun.Run(arguments).AssertDone().Json().GetProperty("text").GetString());
    }

    [Fact]
    public void A_plan_says_what_generating_takes()
    {
        string[] arguments = ["plan", "generate", "--model", trained.Output, "--prompt-tokens", "8", "--max-tokens", "20"];
        JsonElement json = ToolRun.Run([.. arguments, "--json"]).AssertDone().Json();
        Assert.True(json.GetProperty("fits").GetBoolean());
        Assert.True(json.GetProperty("predictedTokensPerSecond").GetDouble() > 0);
        TrainTests.AssertMemoryAddsUp(json);
        Assert.Equal(28, json.GetProperty("choices").GetProperty("context").GetInt32());
        Assert.Contains("keys and values", ToolRun.Run(arguments).AssertDone().Output, StringComparison.Ordinal);
        Assert.Contains("context: 28 tokens; the prompt and what may be generated", ToolRun.Run(arguments).AssertDone().Output, StringComparison.Ordinal);
        Assert.Contains("context: 64 tokens; as asked for", ToolRun.Run([.. arguments, "--context", "64"]).AssertDone().Output, StringComparison.Ordinal);
        Assert.Contains("smallest budget", ToolRun.Run([.. arguments, "--memory", "2MiB"]).AssertRefusedAtOnce(3), StringComparison.Ordinal);
        Assert.Contains("a prompt of 8 tokens and 20 after it", ToolRun.Run(arguments).AssertDone().Output, StringComparison.Ordinal);
        Assert.Contains("--context 12 has room for 5 tokens", ToolRun.Run([.. arguments, "--context", "12"]).AssertDone().Error, StringComparison.Ordinal);
        JsonElement refused = ToolRun.Run([.. arguments, "--memory", "2MiB", "--json"]).Json();
        Assert.Equal(2 << 20, refused.GetProperty("budgetBytes").GetInt64());
        Assert.True(refused.GetProperty("smallestBudgetBytes").GetInt64() > 2 << 20);
    }

    [Theory]
    [InlineData("preset:nano")]
    [InlineData(null)]
    public void A_plan_keeps_the_context_that_is_named(string? model)
    {
        string[] arguments = ["plan", "generate", "--model", model ?? trained.Output, "--json"];
        foreach (int context in (int[])[64, 100, 256])
            Assert.Equal(context, ToolRun.Run([.. arguments, "--context", $"{context}"]).AssertDone().Json().GetProperty("choices").GetProperty("context").GetInt32());
    }

    private static string Note(ToolResult result) => Assert.Single(result.ErrorLines, static line => line.StartsWith("note:", StringComparison.Ordinal));

    private int[] Tokens(params string[] more) => [.. Generate(more).GetProperty("tokens").EnumerateArray().Select(static t => t.GetInt32())];

    private JsonElement Generate(params string[] more) => ToolRun.Run([.. Arguments(), "--prompt", "the old ", .. more, "--json"]).AssertDone().Json();

    private string[] Arguments()
    {
        trained.Result.AssertDone();
        return ["generate", "--model", trained.Output, "--temperature", "0", "--threads", "1", "--max-tokens", "20"];
    }
}
