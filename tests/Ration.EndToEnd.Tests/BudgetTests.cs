using System.Text.Json;
using System.Text.RegularExpressions;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

/// <summary>What does not fit is refused with exit code 3 and the smallest budget that would do, which then does.</summary>
public sealed class BudgetTests(TrainedModel trained)
{
    private const int OverBudget = 3;

    [Fact]
    public void The_smallest_budget_that_a_refusal_names_works_and_a_byte_less_does_not()
    {
        using TestFolder folder = new();
        string refusal = ToolRun.Run([.. Arguments(folder["none"]), "--memory", "1MiB"]).AssertRefusedAtOnce(OverBudget);
        Assert.False(Directory.Exists(folder["none"]), "nothing is started");
        long smallest = TrainingJob.SmallestBudget(refusal);

        ToolResult less = ToolRun.Run([.. Arguments(folder["less"]), "--memory", TrainingJob.Text(smallest - 1)]);
        Assert.Equal(smallest, TrainingJob.SmallestBudget(less.AssertRefusedAtOnce(OverBudget)));

        JsonElement json = TrainingJob.Run(Arguments(folder["smallest"]), "--memory", TrainingJob.Text(smallest), "--json").Json();
        Assert.Equal(smallest, json.GetProperty("budgetBytes").GetInt64());
        long planned = json.GetProperty("plannedPeakBytes").GetInt64(), measured = json.GetProperty("measuredPeakBytes").GetInt64();
        Assert.True(planned <= smallest, $"{planned} bytes planned, {smallest} allowed");
        Assert.True(measured <= smallest, $"{measured} bytes measured, {smallest} allowed");
    }

    [Fact]
    public void A_tight_budget_changes_the_choices_but_not_one_bit_of_the_weights()
    {
        using TestFolder folder = new();
        long smallest = TrainingJob.SmallestBudget(ToolRun.Run([.. Arguments(folder["none"]), "--memory", "1MiB"]).AssertRefusedAtOnce(OverBudget));
        JsonElement tight = TrainingJob.Run(Arguments(folder["tight"]), "--memory", TrainingJob.Text(smallest), "--json").Json();
        JsonElement wide = TrainingJob.Run(Arguments(folder["wide"]), "--memory", "1GiB", "--json").Json();
        Assert.NotEqual(wide.GetProperty("choices").GetProperty("recompute").GetString(), tight.GetProperty("choices").GetProperty("recompute").GetString());
        Assert.True(TrainingJob.ModelBytes(folder["wide"]).AsSpan().SequenceEqual(TrainingJob.ModelBytes(folder["tight"])), "other weights");
        Assert.Equal(wide.GetProperty("evalLoss").GetRawText(), tight.GetProperty("evalLoss").GetRawText());
    }

    [Fact]
    public void Plan_refuses_with_the_same_code_and_says_in_json_what_would_fit()
    {
        using TestFolder folder = new();
        string[] arguments = [.. TrainingJob.Arguments(trained.Data, folder["none"], command: "plan"), "--memory", "1MiB"];
        long smallest = TrainingJob.SmallestBudget(ToolRun.Run(arguments).AssertRefusedAtOnce(OverBudget));
        ToolResult result = ToolRun.Run([.. arguments, "--json"]);
        Assert.Equal(OverBudget, result.Code);
        JsonElement json = result.Json();
        Assert.False(json.GetProperty("fits").GetBoolean());
        Assert.Equal(smallest, json.GetProperty("smallestBudgetBytes").GetInt64());
        Assert.Equal(smallest, TrainingJob.SmallestBudget((result with { Output = "" }).AssertRefusedAtOnce(OverBudget)));
    }

    [Theory]
    [InlineData("generate", "--prompt", "a")]
    [InlineData("eval", "--sequence", "64")]
    public void A_model_that_does_not_fit_is_not_loaded(string command, string option, string value)
    {
        trained.Result.AssertDone();
        string[] data = command == "eval" ? ["--data", trained.Data] : [];
        string refusal = ToolRun.Run([command, "--model", trained.Output, option, value, "--memory", "1MiB", .. data]).AssertRefusedAtOnce(OverBudget);
        Assert.Matches(new Regex("[0-9]+ bytes"), refusal);
    }

    [Fact]
    public void With_the_smallest_budget_weights_are_read_from_the_files_for_each_token()
    {
        trained.Result.AssertDone();
        string[] arguments = ["generate", "--model", trained.Output, "--prompt", "a", "--max-tokens", "20", "--ignore-end", "--json"];
        long smallest = TrainingJob.SmallestBudget(ToolRun.Run([.. arguments, "--memory", "1MiB"]).AssertRefusedAtOnce(OverBudget));
        ToolResult result = ToolRun.Run([.. arguments, "--memory", TrainingJob.Text(smallest)]).AssertDone();
        Assert.Contains("are read from the files for each token", result.Error, StringComparison.Ordinal);
        Assert.Equal(20, result.Json().GetProperty("generatedTokens").GetInt64());
        long measured = result.Json().GetProperty("measuredPeakBytes").GetInt64();
        Assert.True(measured <= smallest, $"{measured} bytes measured, {smallest} allowed");
    }

    [Fact]
    public void A_refusal_speaks_of_memory_in_words()
    {
        using TestFolder folder = new();
        string refusal = ToolRun.Run([.. Arguments(folder["none"]), "--memory", "1MiB"]).AssertRefusedAtOnce(OverBudget);
        Assert.Matches("fits is --memory [0-9]+MiB \\([0-9]+ bytes\\) with [0-9] of 4 rows at a time, .*blocks computed again.*, gradients (released early|kept)", refusal);
        Assert.DoesNotContain("optimal:", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_budget_beyond_the_machine_is_remarked_on_and_planned_for_in_silence()
    {
        trained.Result.AssertDone();
        using TestFolder folder = new();
        const string Note = "note: --memory 1000 TiB is more than the";
        string[] more = ["--memory", "1000TiB"];
        Assert.Contains(Note, ToolRun.Run([.. Arguments(folder["trained"]), .. more]).AssertDone().Error, StringComparison.Ordinal);
        Assert.Contains(Note, ToolRun.Run(["generate", "--model", trained.Output, "--prompt", "a", "--max-tokens", "2", .. more]).AssertDone().Error, StringComparison.Ordinal);
        Assert.Contains(Note, ToolRun.RunWithInput("a\n", ["chat", "--model", trained.Output, "--max-tokens", "2", .. more]).AssertDone().Error, StringComparison.Ordinal);
        Assert.Contains(Note, ToolRun.Run(["eval", "--model", trained.Output, "--data", trained.Data, .. more]).AssertDone().Error, StringComparison.Ordinal);
        Assert.DoesNotContain("note", ToolRun.Run([.. TrainingJob.Arguments(trained.Data, folder["planned"], 3, command: "plan"), .. more]).AssertDone().Error, StringComparison.Ordinal);
        Assert.DoesNotContain("note", ToolRun.Run(["plan", "generate", "--model", trained.Output, .. more]).AssertDone().Error, StringComparison.Ordinal);
        Assert.DoesNotContain("note: --memory", ToolRun.Run([.. Arguments(folder["again"]), "--memory", "1GiB"]).AssertDone().Error, StringComparison.Ordinal);
    }

    private string[] Arguments(string output) => TrainingJob.Arguments(trained.Data, output, 3);
}
