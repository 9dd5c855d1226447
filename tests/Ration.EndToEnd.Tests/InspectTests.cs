using System.Text.Json;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

public sealed class InspectTests(TrainedModel trained)
{
    [Fact]
    public void A_folder_is_described_for_programs()
    {
        JsonElement json = ToolRun.Run("inspect", trained.Output, "--json").AssertDone().Json();
        Assert.Equal("Llama", json.GetProperty("architecture").GetString());
        Assert.Equal(trained.Json.GetProperty("parameters").GetInt64(), json.GetProperty("parameters").GetInt64());
        Assert.Equal("bytes", json.GetProperty("tokenizer").GetProperty("name").GetString());
        JsonElement[] tensors = [.. json.GetProperty("tensors").EnumerateArray()];
        Assert.Equal(json.GetProperty("bytes").GetInt64(), tensors.Sum(static t => t.GetProperty("bytes").GetInt64()));
        Assert.Equal(tensors.Length, json.GetProperty("types").GetProperty("F32").GetProperty("tensors").GetInt32());
    }

    [Fact]
    public void A_folder_is_described_for_people()
    {
        string text = ToolRun.Run("inspect", trained.Output).AssertDone().Output;
        foreach (string part in (string[])["parameters", "context", "tokenizer", "chat template", "F32", "model.embed_tokens.weight", "hidden_size"])
            Assert.Contains(part, text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_weights_alone_is_described()
    {
        string weights = Path.Combine(trained.Output, TrainingJob.Model);
        JsonElement json = ToolRun.Run("inspect", weights, "--json").AssertDone().Json();
        Assert.Equal(trained.Json.GetProperty("parameters").GetInt64(), json.GetProperty("parameters").GetInt64());
    }

    [Fact]
    public void A_vocabulary_without_tensors_is_described()
    {
        using TestFolder folder = new();
        JsonElement json = ToolRun.Run("inspect", Vocabulary.Write(folder), "--json").AssertDone().Json();
        Assert.Equal(8, json.GetProperty("tokenizer").GetProperty("tokens").GetInt32());
        Assert.Equal([Vocabulary.EndOfTurn], json.GetProperty("tokenizer").GetProperty("endIds").EnumerateArray().Select(static t => t.GetInt32()));
        Assert.Equal("{{ messages[0].content }}", json.GetProperty("chatTemplate").GetString());
        Assert.Empty(json.GetProperty("tensors").EnumerateArray());
    }

    [Fact]
    public void What_is_no_model_is_refused_in_one_line()
    {
        using TestFolder folder = new();
        string vocabulary = Vocabulary.Write(folder);
        File.WriteAllBytes(folder["cut.gguf"], File.ReadAllBytes(vocabulary)[..100]);
        Assert.Contains("cut.gguf", ToolRun.Run("inspect", folder["cut.gguf"]).AssertRefusedAtOnce(2), StringComparison.Ordinal);
        Assert.Contains("no such file", ToolRun.Run("inspect", folder["none"]).AssertRefusedAtOnce(2), StringComparison.Ordinal);
        Directory.CreateDirectory(folder["empty"]);
        Assert.Contains("config.json", ToolRun.Run("inspect", folder["empty"]).AssertRefusedAtOnce(2), StringComparison.Ordinal);
        Assert.Contains("text.txt", ToolRun.Run("inspect", folder.WriteText()).AssertRefusedAtOnce(2), StringComparison.Ordinal);
    }
}
