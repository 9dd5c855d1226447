using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

public sealed class GenerateTests(TrainedModel trained)
{
    private const int Interrupted = 130;

    private static readonly string[] s_keys =
        ["text", "tokens", "promptTokens", "generatedTokens", "prefillTokensPerSecond", "decodeTokensPerSecond", "budgetBytes", "plannedPeakBytes", "measuredPeakBytes"];

    [Fact]
    public void Greedy_text_is_the_same_for_any_seed_and_any_number_of_threads()
    {
        JsonElement first = Generate("--temperature", "0", "--seed", "1", "--threads", "1");
        Assert.All(s_keys, key => Assert.True(first.TryGetProperty(key, out _), $"{key} is missing"));
        Assert.Equal(40, first.GetProperty("generatedTokens").GetInt64());
        Assert.Equal(40, first.GetProperty("tokens").GetArrayLength());
        Assert.Equal("the old ".Length, first.GetProperty("promptTokens").GetInt64());
        Assert.NotEqual("", first.GetProperty("text").GetString());
        JsonElement second = Generate("--temperature", "0", "--seed", "2", "--threads", "2");
        Assert.Equal(first.GetProperty("tokens").GetRawText(), second.GetProperty("tokens").GetRawText());
        Assert.Equal(first.GetProperty("text").GetString(), second.GetProperty("text").GetString());
    }

    [Fact]
    public void Sampled_text_depends_on_the_seed_alone()
    {
        string first = Generate("--seed", "1").GetProperty("tokens").GetRawText();
        Assert.Equal(first, Generate("--seed", "1").GetProperty("tokens").GetRawText());
        Assert.NotEqual(first, Generate("--seed", "2").GetProperty("tokens").GetRawText());
    }

    [Fact]
    public void Without_json_standard_output_is_the_text_alone()
    {
        string text = Generate("--temperature", "0", "--threads", "1").GetProperty("text").GetString()!;
        ToolResult result = ToolRun.Run([.. Arguments(), "--temperature", "0", "--threads", "1"]).AssertDone();
        Assert.Equal(text + "\n", result.Output);
        Assert.NotEmpty(result.ErrorLines);
    }

    [Fact]
    public void Every_line_of_a_file_is_answered_with_a_line()
    {
        using TestFolder folder = new();
        string[] prompts = ["the old ", "a\\nb", "of the", "x\\\\y", "and", "in the house"];
        File.WriteAllLines(folder["prompts.txt"], prompts);
        string[] arguments = ["generate", "--model", trained.Output, "--prompts", folder["prompts.txt"], "--at-once", "4", "--max-tokens", "40", "--temperature", "0"];
        ToolResult result = ToolRun.Run(arguments).AssertDone();
        JsonElement json = ToolRun.Run([.. arguments, "--json"]).AssertDone().Json();
        JsonElement[] texts = [.. json.GetProperty("texts").EnumerateArray()];
        Assert.Equal(["the old ", "a\nb", "of the", "x\\y", "and", "in the house"], texts.Select(static t => t.GetProperty("prompt").GetString()));
        Assert.Equal(240, json.GetProperty("generatedTokens").GetInt64());
        Assert.Equal(texts.Select(static t => Escaped(t.GetProperty("text").GetString()!)), result.Output.Split('\n')[..^1]);
        Assert.Equal(Generate("--temperature", "0").GetProperty("text").GetString(), texts[0].GetProperty("text").GetString());
    }

    [Theory]
    [InlineData("line 2 is empty", "a\n\nb", "--max-tokens", "1")]
    [InlineData("in line 1, \\ stands before", "a\\tb", "--max-tokens", "1")]
    [InlineData("--at-once 0: give 1 to 4,096", "a", "--at-once", "0")]
    [InlineData("--prompts excludes --prompt", "a", "--prompt", "b")]
    [InlineData("has no room for a prompt of 3 tokens", "a\nabc", "--context", "2")]
    public void Files_of_prompts_that_cannot_be_answered(string reason, string text, params string[] options)
    {
        using TestFolder folder = new();
        File.WriteAllText(folder["prompts.txt"], text);
        Assert.Contains(reason, ToolRun.Run(["generate", "--model", trained.Output, "--prompts", folder["prompts.txt"], .. options]).AssertRefused(2), StringComparison.Ordinal);
    }

    [Fact]
    public void Fewer_texts_are_computed_at_once_where_memory_is_short()
    {
        using TestFolder folder = new();
        File.WriteAllLines(folder["prompts.txt"], Enumerable.Repeat("the old ", 8));
        string[] arguments = ["generate", "--model", trained.Output, "--prompts", folder["prompts.txt"], "--max-tokens", "400", "--quality", "exact", "--threads", "1"];
        ToolResult refused = ToolRun.Run([.. arguments, "--at-once", "2", "--memory", "1MiB"]);
        string smallest = Regex.Match(refused.AssertRefused(3), "\\(([0-9]+) bytes\\)").Groups[1].Value;
        JsonElement json = ToolRun.Run([.. arguments, "--memory", smallest, "--json"]).AssertDone().Json();
        Assert.Equal(2, json.GetProperty("atOnce").GetInt64());
        Assert.InRange(json.GetProperty("measuredPeakBytes").GetInt64(), 1 << 20, json.GetProperty("plannedPeakBytes").GetInt64());
        Assert.True(json.GetProperty("plannedPeakBytes").GetInt64() <= long.Parse(smallest, CultureInfo.InvariantCulture));
    }

    [Fact]
    public void The_weights_in_a_folder_stand_for_the_folder()
    {
        ToolResult result = ToolRun.Run("generate", "--model", Path.Combine(trained.Output, TrainingJob.Model), "--prompt", "the old ", "--max-tokens", "3", "--json");
        Assert.Equal(3, result.AssertDone().Json().GetProperty("generatedTokens").GetInt64());
        string checkpoint = Path.Combine(trained.Output, TrainingJob.Checkpoint);
        Assert.Contains($"give its folder, {trained.Output}", ToolRun.Run("generate", "--model", checkpoint, "--prompt", "a").AssertRefusedAtOnce(2), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_request_to_terminate_ends_it_while_nothing_is_generated(bool json)
    {
        using TestFolder folder = new();
        NamedPipe.Create(folder["prompt"]);
        using ToolRun run = ToolRun.Start(["generate", "--model", trained.Output, "--prompt-file", folder["prompt"], .. (string[])(json ? ["--json"] : [])]);
        // That opens when the tool does, which reads then.
        Task<FileStream> writer = Task.Run(() => new FileStream(folder["prompt"], FileMode.Open, FileAccess.Write));
        run.WaitUntil(() => writer.IsCompleted);
        using FileStream open = await writer;
        Signals.Send(run, Signals.Terminate);
        ToolResult result = run.Wait();
        Assert.Contains("interrupted", json ? Assert.Single(result.ErrorLines) : result.AssertRefusedAtOnce(Interrupted), StringComparison.Ordinal);
        Assert.Equal(Interrupted, result.Code);
        if (json) Assert.Equal("interrupted", result.Json().GetProperty("finish").GetString());
    }

    [Fact]
    public void Training_without_json_writes_a_sample_and_nothing_else()
    {
        using TestFolder folder = new();
        ToolResult training = TrainingJob.Run(TrainingJob.Arguments(trained.Data, folder["output"], 3));
        ToolResult sample = ToolRun.Run("generate", "--model", folder["output"], "--prompt", "\n", "--max-tokens", "200", "--threads", "1").AssertDone();
        Assert.Equal(sample.Output, training.Output);
        Assert.Contains("3 steps", training.Error, StringComparison.Ordinal);
    }

    private static string Escaped(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private JsonElement Generate(params string[] more) => ToolRun.Run([.. Arguments(), .. more, "--json"]).AssertDone().Json();

    private string[] Arguments()
    {
        trained.Result.AssertDone();
        return ["generate", "--model", trained.Output, "--prompt", "the old ", "--max-tokens", "40"];
    }
}
