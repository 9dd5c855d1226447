using System.Text.Json;

namespace Ration.EndToEnd.Tests;

public sealed class BudgetTests
{
    [Fact]
    public void A_budget_too_small_is_refused_with_the_smallest_that_works_and_one_byte_less_is_refused_again()
    {
        using Workspace work = new();
        string[] shape = ["--data", work.Data, "--sequence", "64", "--batch", "512"];
        Outcome refused = Tool.Run(["plan", "--memory", "1MiB", "--json", .. shape]);
        Assert.Equal(3, refused.ExitCode);
        Assert.False(refused.Json.GetProperty("fits").GetBoolean());
        long smallest = refused.Json.GetProperty("smallestBudgetBytes").GetInt64();
        Assert.Contains($"{smallest} bytes", refused.Error, StringComparison.Ordinal);

        string[] train = ["train", "--output", work["model"], "--steps", "3", "--json", .. shape];
        Outcome less = Tool.Run([.. train, "--memory", $"{smallest - 1}"]);
        Assert.Equal(3, less.ExitCode);
        Assert.Equal("", less.Output);
        Assert.StartsWith("ration: ", less.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(work["model"]), "something was started");

        Outcome enough = Tool.Run([.. train, "--memory", $"{smallest}"]);
        Assert.True(enough.ExitCode == 0, enough.ToString());
        Assert.InRange(enough.Json.GetProperty("measuredPeakBytes").GetInt64(), 1, smallest);
    }

    [Theory]
    [InlineData("--memory", "256MiB")]
    [InlineData("--memory", "128MiB", "--schedule", "linear", "--warmup", "2")]
    [InlineData("--memory", "96MiB", "--optimizer", "sgd", "--clip-scope", "global", "--dropout", "0.1")]
    [InlineData("--memory", "96MiB", "--recompute", "sqrt", "--micro-batch", "2")]
    public void The_process_stays_within_its_budget_and_within_five_percent_of_the_plan(params string[] options)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the reserve for the process itself was measured on Linux");
        using Workspace work = new();
        Outcome outcome = Tool.Run(["train", "--data", work.Data, "--output", work["model"], "--steps", "20", "--sequence", "128", "--batch", "1024", "--json", .. options]);
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        JsonElement json = outcome.Json;
        long measured = json.GetProperty("measuredPeakBytes").GetInt64(), planned = json.GetProperty("plannedPeakBytes").GetInt64();
        Assert.InRange(measured, 1, json.GetProperty("budgetBytes").GetInt64());
        Assert.InRange((double)measured / planned, 0.95, 1.0);
    }

    [Fact]
    public void A_plan_for_seventy_billion_parameters_takes_seconds_and_names_every_kind_of_memory()
    {
        using Workspace work = new();
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        Outcome outcome = Tool.Run("plan", "--model", "preset:llama-3.1-70b", "--batch", "2048", "--sequence", "2048", "--memory", "2TiB", "--json", "--html", work["plan.html"]);
        double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds;
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        JsonElement json = outcome.Json;
        Assert.True(json.GetProperty("fits").GetBoolean());
        long weights = json.GetProperty("memory").GetProperty("weights").GetInt64();
        Assert.InRange(weights, 282_000_000_000, 283_000_000_000);
        Assert.True(json.GetProperty("plannedPeakBytes").GetInt64() > 3 * weights);
        Assert.True(json.GetProperty("predictedTokensPerSecond").GetDouble() > 0);
        Assert.True(json.GetProperty("predictedStepSeconds").GetDouble() > 0);
        Assert.InRange(new FileInfo(work["plan.html"]).Length, 1000, 1 << 20);
        // Generous: other tests run beside this one.
        Assert.InRange(seconds, 0, 20);
    }

    [Fact]
    public void A_plan_is_printed_as_a_table_and_starts_nothing()
    {
        using Workspace work = new();
        Outcome outcome = Tool.Run("plan", "--data", work.Data, "--output", work["model"], "--sequence", "64", "--batch", "256");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("activations", outcome.Output, StringComparison.OrdinalIgnoreCase);
        Assert.False(Directory.Exists(work["model"]));
    }

}
