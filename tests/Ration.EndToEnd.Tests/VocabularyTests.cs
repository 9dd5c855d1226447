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
        Assert.Contains("has its tokenizer already", result.Error, StringComparison.Ordinal);
    }
}
