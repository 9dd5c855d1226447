using System.Text.Json;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

/// <summary>The smallest budget holds for methods too, whose code and scratch are reserved by what was measured of them.</summary>
public sealed class MethodBudgetTests(TrainedModel trained)
{
    private const int OverBudget = 3;

    [Theory]
    [InlineData("--quality", "high")]
    [InlineData("--quality", "any")]
    [InlineData("--state", "8bit")]
    [InlineData("--state", "4bit")]
    [InlineData("--weights", "int8")]
    [InlineData("--activations", "mesa")]
    [InlineData("--products", "int8")]
    [InlineData("--loss", "cut-filtered")]
    [InlineData("--optimizer", "galore")]
    [InlineData("--tokenizer", "train:300")]
    public void The_smallest_budget_holds(string option, string value)
    {
        using TestFolder folder = new();
        AssertHolds(folder["output"], [.. TrainingJob.Arguments(trained.Data, folder["output"], 3), option, value]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void So_it_does_for_a_model_that_is_trained_on(bool fromFile)
    {
        trained.Result.AssertDone();
        using TestFolder folder = new();
        string model = fromFile ? folder["model.gguf"] : trained.Output;
        if (fromFile) ToolRun.Run("convert", "--model", trained.Output, "--output", model, "--format", "q8_0").AssertDone();
        AssertHolds(folder["output"], [.. TrainingJob.Arguments(trained.Data, folder["output"], 3).Select(word => word == "preset:nano" ? model : word)]);
    }

    private static void AssertHolds(string output, string[] arguments)
    {
        // Elsewhere the system does not say what the most was that a process held.
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux measures what the budget promises");
        long smallest = TrainingJob.SmallestBudget(ToolRun.Run([.. arguments, "--memory", "2MiB"]).AssertRefused(OverBudget));
        Assert.False(Directory.Exists(output), "nothing is begun");
        JsonElement json = TrainingJob.Run(arguments, "--memory", TrainingJob.Text(smallest), "--json").Json();
        long measured = json.GetProperty("measuredPeakBytes").GetInt64();
        Assert.Equal(smallest, json.GetProperty("budgetBytes").GetInt64());
        Assert.True(measured <= smallest, $"{measured} bytes measured, {smallest} allowed: {measured - smallest} too many");
    }
}
