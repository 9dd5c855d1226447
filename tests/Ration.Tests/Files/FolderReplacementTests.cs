using Ration.Files;
using Ration.Models;
using Ration.Tensors;
using Ration.Tests.Files.Gguf;

namespace Ration.Tests.Files;

/// <summary>Models that are written over others, and what must not happen to either.</summary>
public sealed class FolderReplacementTests
{
    private static readonly ModelConversionOptions s_shards = new() { LargestFileBytes = 20_000 };

    [Fact]
    public void A_folder_is_replaced_as_a_whole_or_not_at_all()
    {
        using FamilyFolder folder = new(ModelFamily.Mixtral);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        Conversion.ToHuggingFace(model, work.Path, s_shards);
        Dictionary<string, byte[]> before = Contents(work.Path);
        using CancellationTokenSource source = new();
        Stopping late = new(progress => progress.BytesDone > progress.BytesTotal * 9 / 10, source.Cancel);
        ModelConversionOptions other = s_shards with { Type = DType.BF16, LargestFileBytes = 10_000, Progress = late };
        Assert.Throws<OperationCanceledException>(() => ModelConverter.ToHuggingFace(model, work.Path, other, source.Token));
        Assert.Equal(before, Contents(work.Path));
        Conversion.ToHuggingFace(model, work.Path, other with { Progress = null, LargestFileBytes = 40_000 });
        using StoredModel again = StoredModel.Open(work.Path);
        Assert.Equal(DType.BF16, again.ElementType);
        string[] shards = Directory.GetFiles(work.Path, "model-*.safetensors");
        Assert.All(shards, shard => Assert.EndsWith($"-of-{shards.Length:D5}.safetensors", shard, StringComparison.Ordinal));
    }

    [Fact]
    public void What_described_the_model_before_goes_with_it()
    {
        using FamilyFolder folder = new(ModelFamily.Qwen3);
        using TemporaryFolder work = new();
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer.model"), "this one's");
        foreach (string name in (string[])["tokenizer.json", "tokenizer.model", "generation_config.json", "chat_template.jinja", "notes.txt"]) work.Write(name, "{\"eos_token_id\":[7]}");
        using StoredModel model = StoredModel.Open(folder.Path);
        Conversion.ToHuggingFace(model, work.Path);
        Assert.Equal(["config.json", "model.safetensors", "notes.txt", "tokenizer.model"], Directory.GetFiles(work.Path).Select(static f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.Equal("this one's", File.ReadAllText(work["tokenizer.model"]));
    }

    [Fact]
    public void A_link_to_a_model_is_that_model()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using TemporaryFolder work = new();
        Directory.CreateSymbolicLink(work["alias"], folder.Path);
        Directory.CreateSymbolicLink(work["again"], "alias");
        using StoredModel model = StoredModel.Open(folder.Path), named = StoredModel.Open(work["again"]);
        Assert.Contains("overwrite itself", Assert.Throws<InvalidInputException>(() => Conversion.ToHuggingFace(model, work["again"])).Message, StringComparison.Ordinal);
        Assert.Contains("overwrite itself", Assert.Throws<InvalidInputException>(() => Conversion.ToHuggingFace(named, folder.Path)).Message, StringComparison.Ordinal);

        // So other tools share files between folders.
        Directory.CreateDirectory(work["linked"]);
        File.Copy(Path.Combine(folder.Path, "config.json"), work["linked/config.json"]);
        File.CreateSymbolicLink(work["linked/model.safetensors"], Path.Combine(folder.Path, "model.safetensors"));
        using StoredModel linked = StoredModel.Open(work["linked"]);
        Assert.Contains("overwrite itself", Assert.Throws<InvalidInputException>(() => Conversion.ToHuggingFace(linked, folder.Path)).Message, StringComparison.Ordinal);
        Directory.CreateSymbolicLink(work["circle"], "circle");
        Assert.ThrowsAny<Exception>(() => Conversion.ToHuggingFace(model, work["circle"]));
    }

    [Fact]
    public void A_model_that_no_configuration_describes_is_refused_before_anything_is_written()
    {
        using FamilyFolder folder = new(ModelFamily.Qwen2);
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(folder.Path))
        {
            Conversion.ToGguf(model, work["model.gguf"]);
            Conversion.ToHuggingFace(model, work["there"]);
        }

        // llama.cpp takes such a file; the published class has the biases always.
        GgufRewrite.SaveWithout(work["model.gguf"], work["bare.gguf"], static name => name.EndsWith(".bias", StringComparison.Ordinal));
        Dictionary<string, byte[]> before = Contents(work["there"]);
        using StoredModel bare = StoredModel.Open(work["bare.gguf"]);
        string refusal = Assert.Throws<InvalidInputException>(() => Conversion.ToHuggingFace(bare, work["there"])).Message;
        Assert.Contains("QueryKeyValueBiases = True instead of False", refusal, StringComparison.Ordinal);
        Assert.Contains("GGUF", refusal, StringComparison.Ordinal);
        Assert.Equal(before, Contents(work["there"]));
        Assert.Equal(refusal.Split(": ", 2)[1], Assert.Throws<InvalidInputException>(() => ModelFolder.RequireSavable(bare.Configuration)).Message.Split(": ", 2)[1]);
    }

    private static Dictionary<string, byte[]> Contents(string folder) => Directory.GetFiles(folder).ToDictionary(static f => Path.GetFileName(f), File.ReadAllBytes);

    private sealed class Stopping(Func<ModelConversionProgress, bool> when, Action stop) : IProgress<ModelConversionProgress>
    {
        public void Report(ModelConversionProgress value)
        {
            if (when(value)) stop();
        }
    }
}
