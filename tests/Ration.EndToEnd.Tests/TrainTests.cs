using System.Text.Json;

namespace Ration.EndToEnd.Tests;

public sealed class TrainTests
{
    [Fact]
    public void Json_has_every_promised_key_and_the_numbers_agree()
    {
        using Workspace work = new();
        Outcome outcome = Tool.Run(work.Train("model", 30, "--memory", "128MiB", "--json"));
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        JsonElement json = outcome.Json;
        foreach (string key in (string[])["parameters", "trainableParameters", "steps", "tokens", "trainLoss", "evalLoss", "evalPerplexity", "tokensPerSecond",
            "seconds", "budgetBytes", "plannedPeakBytes", "measuredPeakBytes"]) Assert.True(json.GetProperty(key).GetDouble() > 0, key);
        foreach (string kind in (string[])["weights", "gradients", "optimizerState", "activations", "kvCache", "inputs", "workspace", "runtime"])
            Assert.True(json.GetProperty("memory").GetProperty(kind).GetInt64() >= 0, kind);
        Assert.Equal(JsonValueKind.Object, json.GetProperty("choices").ValueKind);
        Assert.Equal(work["model"], json.GetProperty("output").GetString());
        Assert.Equal(30, json.GetProperty("steps").GetInt64());
        Assert.Equal(30 * 128, json.GetProperty("tokens").GetInt64());
        Assert.Equal(128L << 20, json.GetProperty("budgetBytes").GetInt64());
        Assert.Equal(Math.Exp(json.GetProperty("evalLoss").GetDouble()), json.GetProperty("evalPerplexity").GetDouble(), 1e-9);
    }

    [Fact]
    public void Training_lowers_the_loss_far_below_that_of_guessing()
    {
        using Workspace work = new();
        JsonElement json = Tool.Run(work.Train("model", 150, "--json")).Json;
        Assert.InRange(json.GetProperty("evalLoss").GetDouble(), 0, 0.5 * Math.Log(256));
    }

    [Fact]
    public void Only_the_sample_goes_to_standard_output()
    {
        using Workspace work = new();
        Outcome outcome = Tool.Run(work.Train("model", 60));
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        Assert.InRange(outcome.Output.Length, 50, 400);
        Assert.DoesNotContain("memory:", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("peak memory", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', outcome.Error);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes_on_any_number_of_threads()
    {
        using Workspace work = new();
        for (int threads = 1; threads <= 3; threads++) Assert.Equal(0, Tool.Run(work.Train($"on{threads}", 12, "--threads", $"{threads}", "--json")).ExitCode);
        Assert.Equal(0, Tool.Run(work.Train("other", 12, "--seed", "2", "--json")).ExitCode);
        Assert.Equal(work.Weights("on1"), work.Weights("on2"));
        Assert.Equal(work.Weights("on1"), work.Weights("on3"));
        Assert.NotEqual(work.Weights("on1"), work.Weights("other"));
    }

    [Fact]
    public void A_saved_model_is_where_fine_tuning_starts()
    {
        using Workspace work = new();
        double first = Tool.Run(work.Train("first", 100, "--json")).Json.GetProperty("evalLoss").GetDouble();
        Outcome outcome = Tool.Run(work.Train("second", 5, "--model", work["first"], "--learning-rate", "0.0001", "--json"));
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        Assert.InRange(outcome.Json.GetProperty("evalLoss").GetDouble(), 0, first + 0.1);
    }

    [Fact]
    public void The_folder_that_a_run_writes_to_is_not_its_data()
    {
        using Workspace work = new();
        string[] arguments = ["train", "--data", work.Folder, "--output", work["out"], "--steps", "3", "--sequence", "32", "--batch", "128", "--json"];
        Assert.Equal(0, Tool.Run(arguments).ExitCode);
        byte[] once = work.Weights("out");
        Assert.Equal(0, Tool.Run(arguments).ExitCode);
        Assert.Equal(once, work.Weights("out"));
    }

    [Fact]
    public void Epochs_become_steps()
    {
        using Workspace work = new();
        long bytes = Directory.EnumerateFiles(work.Data).Sum(static f => new FileInfo(f).Length);
        JsonElement json = Tool.Run("train", "--data", work.Data, "--output", work["model"], "--epochs", "0.5", "--sequence", "32", "--batch", "512", "--json").Json;
        Assert.InRange(json.GetProperty("steps").GetInt64(), (long)(0.5 * 0.9 * bytes / 512) - 1, (long)(0.5 * 0.9 * bytes / 512) + 1);
    }
}
