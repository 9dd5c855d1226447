using System.Text.Json;

namespace Ration.EndToEnd.Tests;

/// <summary>One trained model for the tests that only read it.</summary>
public sealed class TrainedModel : IDisposable
{
    private readonly Workspace _work = new();

    public TrainedModel()
    {
        Outcome outcome = Tool.Run(_work.Train("model", 120, "--json"));
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
    }

    public string Model => _work["model"];

    public string Data => _work.Data;

    public void Dispose() => _work.Dispose();
}

public sealed class EvalAndGenerateTests(TrainedModel trained) : IClassFixture<TrainedModel>
{
    [Fact]
    public void Eval_reports_loss_and_perplexity_on_all_of_the_data()
    {
        Outcome outcome = Tool.Run("eval", "--model", trained.Model, "--data", trained.Data, "--sequence", "32", "--memory", "96MiB", "--json");
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        JsonElement json = outcome.Json;
        double loss = json.GetProperty("loss").GetDouble();
        Assert.InRange(loss, 0.01, 0.6 * Math.Log(256));
        Assert.Equal(Math.Exp(loss), json.GetProperty("perplexity").GetDouble(), 1e-9);
        Assert.Equal(Directory.EnumerateFiles(trained.Data).Sum(static f => new FileInfo(f).Length), json.GetProperty("tokens").GetInt64());
        Assert.True(json.GetProperty("tokensPerSecond").GetDouble() > 0);
        Assert.InRange(json.GetProperty("measuredPeakBytes").GetInt64(), 1, 96L << 20);
    }

    [Fact]
    public void Eval_of_another_number_of_rows_at_once_gives_the_same_loss()
    {
        double Loss(string threads) => Tool.Run("eval", "--model", trained.Model, "--data", trained.Data, "--sequence", "32", "--threads", threads, "--json").Json.GetProperty("loss").GetDouble();
        Assert.Equal(Loss("1"), Loss("3"));
    }

    [Fact]
    public void Generate_prints_the_text_alone_and_the_same_for_the_same_seed()
    {
        string[] arguments = ["generate", "--model", trained.Model, "--prompt", "the budget", "--max-tokens", "40", "--seed", "5"];
        Outcome first = Tool.Run(arguments), second = Tool.Run(arguments);
        Assert.True(first.ExitCode == 0, first.ToString());
        Assert.Equal(first.Output, second.Output);
        Assert.Equal(41, first.Output.Length);
        Assert.Contains("peak memory", first.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Generate_json_holds_what_plain_output_holds()
    {
        string[] arguments = ["generate", "--model", trained.Model, "--prompt", "every byte ", "--max-tokens", "30", "--temperature", "0"];
        string plain = Tool.Run(arguments).Output;
        JsonElement json = Tool.Run([.. arguments, "--json"]).Json;
        Assert.Equal(plain.TrimEnd('\n'), json.GetProperty("text").GetString()!.TrimEnd('\n'));
        Assert.Equal(30, json.GetProperty("tokens").GetArrayLength());
        Assert.Equal(30, json.GetProperty("generatedTokens").GetInt32());
        Assert.Equal(11, json.GetProperty("promptTokens").GetInt32());
        Assert.True(json.GetProperty("prefillTokensPerSecond").GetDouble() > 0);
        Assert.True(json.GetProperty("decodeTokensPerSecond").GetDouble() > 0);
        Assert.True(json.GetProperty("measuredPeakBytes").GetInt64() > 0);
    }

    [Fact]
    public void Generate_is_refused_where_it_does_not_fit_and_names_what_does()
    {
        string[] arguments = ["generate", "--model", trained.Model, "--prompt", "a", "--max-tokens", "20", "--json"];
        Outcome refused = Tool.Run([.. arguments, "--memory", "1MiB"]);
        Assert.Equal(3, refused.ExitCode);
        string smallest = refused.Error.Split("smallest budget that fits is ")[1].Split(' ')[0];
        Outcome enough = Tool.Run([.. arguments, "--memory", smallest]);
        Assert.True(enough.ExitCode == 0, enough.ToString());
        Assert.InRange(enough.Json.GetProperty("measuredPeakBytes").GetInt64(), 1, long.Parse(smallest, System.Globalization.CultureInfo.InvariantCulture));
    }
}
