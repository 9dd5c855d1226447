using System.Text.Json;
using System.Text.RegularExpressions;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

public sealed class EvalTests(TrainedModel trained)
{
    private static readonly string[] s_keys = ["loss", "perplexity", "tokens", "tokensPerSecond", "budgetBytes", "plannedPeakBytes", "measuredPeakBytes"];

    [Fact]
    public void On_the_text_that_training_held_out_the_loss_is_that_of_the_end_of_training()
    {
        trained.Result.AssertDone();
        using TestFolder folder = new();
        byte[] text = File.ReadAllBytes(trained.Data);
        File.WriteAllBytes(folder["tail.txt"], text[^(text.Length / 10)..]);
        JsonElement json = Evaluate(folder["tail.txt"], 1);
        Assert.All(s_keys, key => Assert.True(json.TryGetProperty(key, out _), $"{key} is missing"));
        double loss = json.GetProperty("loss").GetDouble();
        Assert.Equal(trained.Json.GetProperty("evalLoss").GetDouble(), loss, 1e-6 * loss);
        Assert.Equal(Math.Exp(loss), json.GetProperty("perplexity").GetDouble(), 1e-9 * Math.Exp(loss));
        Assert.Equal(text.Length / 10, json.GetProperty("tokens").GetInt64());
        Assert.InRange(json.GetProperty("measuredPeakBytes").GetInt64(), 1 << 20, json.GetProperty("plannedPeakBytes").GetInt64());
    }

    [Fact]
    public void Rows_beyond_what_the_model_is_meant_for_are_noted()
    {
        trained.Result.AssertDone();
        string[] arguments = ["eval", "--model", trained.Output, "--data", trained.Data, "--sequence"];
        Assert.Contains("note: rows of 1,000 tokens are longer than", ToolRun.Run([.. arguments, "1000"]).AssertDone().Error, StringComparison.Ordinal);
        Assert.DoesNotContain("note", ToolRun.Run([.. arguments, "32"]).AssertDone().Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_loss_is_the_same_every_time_and_for_any_number_of_threads()
    {
        trained.Result.AssertDone();
        string loss = Evaluate(trained.Data, 1).GetProperty("loss").GetRawText();
        Assert.Equal(loss, Evaluate(trained.Data, 1).GetProperty("loss").GetRawText());
        Assert.Equal(loss, Evaluate(trained.Data, 2).GetProperty("loss").GetRawText());
    }

    [Fact]
    public void Without_json_standard_output_is_one_line()
    {
        trained.Result.AssertDone();
        ToolResult result = ToolRun.Run("eval", "--model", trained.Output, "--data", trained.Data, "--sequence", "64", "--threads", "1").AssertDone();
        Assert.Matches(new Regex(@"\Aloss \d+\.\d+  perplexity \d+\.\d+  on [\d,]+ tokens\n\z"), result.Output);
    }

    [Fact]
    public void With_json_an_interruption_is_one_object_too()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux shows which files a process has open");
        trained.Result.AssertDone();
        using TestFolder folder = new();
        string text = File.ReadAllText(trained.Data);
        File.WriteAllText(folder["long.txt"], string.Concat(Enumerable.Repeat(text, 1000)));
        Signals.StopIgnoring(Signals.Interrupt);
        using ToolRun run = ToolRun.Start("eval", "--model", trained.Output, "--data", folder["long.txt"], "--sequence", "64", "--threads", "1", "--json");
        run.WaitUntil(() => Directory.EnumerateFiles($"/proc/{run.Id}/fd").Any(file => new FileInfo(file).LinkTarget == folder["long.txt"]));
        Signals.Send(run, Signals.Interrupt);
        ToolResult result = run.Wait();
        Assert.True(result.Code == 130, $"exit code {result.Code}: {result}");
        Assert.Equal("interrupted", result.Json().GetProperty("finish").GetString());
    }

    private JsonElement Evaluate(string data, int threads) =>
        ToolRun.Run("eval", "--model", trained.Output, "--data", data, "--sequence", "64", "--threads", TrainingJob.Text(threads), "--json").AssertDone().Json();
}
