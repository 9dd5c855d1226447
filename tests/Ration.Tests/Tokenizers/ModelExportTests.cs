using Ration.Files;
using Ration.Models;
using Ration.Tests.Files;
using Ration.Tests.Tokenizers.HuggingFace;
using Ration.Tokenizers;

namespace Ration.Tests.Tokenizers;

public sealed class ModelExportTests
{
    [Fact]
    public void A_tokenizer_goes_with_its_model_there_and_back()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using TemporaryFolder work = new();
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer.json"), TokenizerJsonFile.WordPiece);
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer_config.json"), "{\"chat_template\":\"t\"}");
        using (StoredModel model = StoredModel.Open(folder.Path)) ToGguf(model, work["a.gguf"]);
        using (StoredModel gguf = StoredModel.Open(work["a.gguf"]))
        {
            Assert.Equal(FamilyFolder.Vocabulary, ModelTokenizer.Describe(gguf).Tokenizer.VocabularySize);
            ToGguf(gguf, work["b.gguf"]);
            ModelExport.ToHuggingFace(gguf, work["back"], cancellation: TestContext.Current.CancellationToken);
        }

        int[] expected = [1, 3, 4, 5, 6, 0, 2];
        foreach (string path in (string[])[folder.Path, work["a.gguf"], work["b.gguf"], work["back"]])
        {
            TokenizerDescription description = ModelTokenizer.Describe(path);
            Assert.Equal("t", description.ChatTemplate);
            Assert.Equal(expected, ((TextTokenizer)description.Tokenizer).Encode("Unable! CAF\u00c9 x", null));
        }
    }

    [Fact]
    public void A_model_without_a_tokenizer_is_written_without_one()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(folder.Path)) ToGguf(model, work["a.gguf"]);
        using StoredModel gguf = StoredModel.Open(work["a.gguf"]);
        Assert.Equal("none", gguf.Metadata!.GetString("tokenizer.ggml.model"));
        Assert.Contains("no tokenizer", Assert.Throws<FileFormatException>(() => ModelTokenizer.Describe(gguf)).Message, StringComparison.Ordinal);
        ModelExport.ToHuggingFace(gguf, work["back"], cancellation: TestContext.Current.CancellationToken);
        Assert.False(File.Exists(Path.Combine(work["back"], "tokenizer.json")));
    }

    [Fact]
    public void A_tokenizer_that_cannot_go_along_stops_the_conversion()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using TemporaryFolder work = new();
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer.json"), TokenizerJsonFile.Unigram);
        using StoredModel model = StoredModel.Open(folder.Path);
        Assert.Contains("normalizer", Assert.Throws<InvalidInputException>(() => ToGguf(model, work["a.gguf"])).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(work["a.gguf"]));
    }

    private static void ToGguf(StoredModel model, string path) => ModelExport.ToGguf(model, path, cancellation: TestContext.Current.CancellationToken);
}
