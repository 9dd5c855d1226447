using System.Text.Json;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

/// <summary>A vocabulary that is learnt from the data before the model.</summary>
public sealed class VocabularyTests(TrainedModel trained)
{
    [Fact]
    public void A_run_that_learns_its_vocabulary_saves_it_and_goes_on_with_it()
    {
        using TestFolder folder = new();
        string[] arguments = [.. TrainingJob.Arguments(trained.Data, folder["output"], 6), "--tokenizer", "train:300"];
        JsonElement result = ToolRun.Run([.. arguments, "--json"]).AssertDone().Json();
        Assert.True(File.Exists(folder["output/tokenizer.json"]));
        string tokenizer = File.ReadAllText(folder["output/tokenizer.json"]);
        Assert.EndsWith("}\n", tokenizer, StringComparison.Ordinal);
        ToolResult sample = ToolRun.Run("generate", "--model", folder["output"], "--prompt", "the old ", "--max-tokens", "8", "--json").AssertDone();
        Assert.True(sample.Json().GetProperty("promptTokens").GetInt32() < "the old ".Length);

        string[] half = [.. TrainingJob.Arguments(trained.Data, folder["resumed"], 6), "--tokenizer", "train:300"];
        ToolRun.Run([.. half, "--json"]).AssertDone();
        Assert.Equal(tokenizer, File.ReadAllText(folder["resumed/tokenizer.json"]));
        Assert.Equal(File.ReadAllBytes(folder["output/model.safetensors"]), File.ReadAllBytes(folder["resumed/model.safetensors"]));
        Assert.True(result.GetProperty("tokens").GetInt64() > 0);
    }

    [Fact]
    public void A_model_of_bytes_replaces_one_with_a_vocabulary()
    {
        using TestFolder folder = new();
        ToolRun.Run([.. TrainingJob.Arguments(trained.Data, folder["output"], 1), "--tokenizer", "train:300"]).AssertDone();
        ToolRun.Run([.. TrainingJob.Arguments(trained.Data, folder["output"], 1), "--overwrite"]).AssertDone();
        Assert.False(File.Exists(folder["output/tokenizer.json"]));
        ToolResult text = ToolRun.Run("generate", "--model", folder["output"], "--prompt", "the old ", "--max-tokens", "8", "--json").AssertDone();
        Assert.Equal("the old ".Length, text.Json().GetProperty("promptTokens").GetInt32());
    }

    [Fact]
    public void A_model_keeps_its_vocabulary_until_the_one_of_bytes_is_there()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no such signals");
        using TestFolder folder = new();
        string output = folder["output"];
        ToolRun.Run([.. TrainingJob.Arguments(trained.Data, output, 1), "--tokenizer", "train:300"]).AssertDone();
        byte[] model = TrainingJob.ModelBytes(output);
        Signals.StopIgnoring(Signals.Interrupt);
        using ToolRun run = ToolRun.Start([.. TrainingJob.Arguments(trained.Data, output, 40), "--overwrite", "--checkpoint-every", "3"]);
        run.WaitUntil(() => TrainingJob.StepsDone(output) > 1);
        Signals.Send(run, Signals.Interrupt);
        Assert.Equal(130, run.Wait().Code);
        Assert.Equal(model, TrainingJob.ModelBytes(output));
        Assert.True(File.Exists(folder["output/tokenizer.json"]), "the model there cannot be read without it");
        ToolRun.Run("train", "--output", output, "--resume").AssertDone();
        Assert.False(File.Exists(folder["output/tokenizer.json"]));
    }

    [Fact]
    public void A_model_of_bytes_stays_readable_until_the_one_with_a_vocabulary_is_there()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no such signals");
        using TestFolder folder = new();
        string output = folder["output"];
        ToolRun.Run(TrainingJob.Arguments(trained.Data, output, 1)).AssertDone();
        byte[] model = TrainingJob.ModelBytes(output);
        Signals.StopIgnoring(Signals.Interrupt);
        using ToolRun run = ToolRun.Start([.. TrainingJob.Arguments(trained.Data, output, 40), "--tokenizer", "train:300", "--overwrite", "--checkpoint-every", "3"]);
        run.WaitUntil(() => TrainingJob.StepsDone(output) > 1);
        Signals.Send(run, Signals.Interrupt);
        Assert.Equal(130, run.Wait().Code);
        Assert.Equal(model, TrainingJob.ModelBytes(output));
        string[] generate = ["generate", "--model", output, "--prompt", "the old ", "--max-tokens", "8", "--json"];
        Assert.Equal("the old ".Length, ToolRun.Run(generate).AssertDone().Json().GetProperty("promptTokens").GetInt32());
        ToolRun.Run("train", "--output", output, "--resume").AssertDone();
        Assert.True(ToolRun.Run(generate).AssertDone().Json().GetProperty("promptTokens").GetInt32() < "the old ".Length);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("plan")]
    public void A_text_with_fewer_tokens_than_were_asked_for_is_told_of(string command)
    {
        using TestFolder folder = new();
        File.WriteAllText(folder["short.txt"], string.Concat(Enumerable.Repeat("to be or not to be\n", 200)));
        ToolResult result = ToolRun.Run([.. TrainingJob.Arguments(folder["short.txt"], folder["output"], 1, command: command), "--tokenizer", "train:5000", "--json"]).AssertDone();
        string note = Assert.Single(result.ErrorLines, static line => line.StartsWith("note:", StringComparison.Ordinal) && line.Contains("--tokenizer", StringComparison.Ordinal));
        Assert.Matches("no more than 2[0-9][0-9] of the 5,000 tokens of --tokenizer train:5000", note);
        Assert.True(result.Json().GetProperty("plannedPeakBytes").GetInt64() < 100 << 20, "the model has the tokens that were learnt");
    }

    [Fact]
    public void A_model_of_bytes_is_not_put_beside_another_tokenizer()
    {
        using TestFolder folder = new();
        Directory.CreateDirectory(folder["output"]);
        File.WriteAllText(folder["output/tokenizer.json"], "{}");
        ToolResult result = ToolRun.Run(TrainingJob.Arguments(trained.Data, folder["output"], 3));
        Assert.Contains("tokenizer.json", result.AssertRefused(2), StringComparison.Ordinal);
        Assert.Equal("{}", File.ReadAllText(folder["output/tokenizer.json"]));
        Assert.False(File.Exists(folder["output/model.safetensors"]));
    }

    [Theory]
    [InlineData("train:12", "257")]
    [InlineData("words", "train:N")]
    public void What_is_no_vocabulary_is_refused(string choice, string hint)
    {
        using TestFolder folder = new();
        ToolResult result = ToolRun.Run([.. TrainingJob.Arguments(trained.Data, folder["output"], 3), "--tokenizer", choice]);
        Assert.Contains("--tokenizer", result.AssertRefused(2), StringComparison.Ordinal);
        Assert.Contains(hint, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_has_a_tokenizer_keeps_it()
    {
        trained.Result.AssertDone();
        using TestFolder folder = new();
        ToolResult result = ToolRun.Run("train", "--model", trained.Output, "--data", trained.Data, "--output", folder["output"], "--tokenizer", "train:300");
        Assert.Contains("--tokenizer", result.AssertRefused(2), StringComparison.Ordinal);
        Assert.Contains("is a model with tokens of its own", result.Error, StringComparison.Ordinal);
    }
}
