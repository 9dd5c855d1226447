using Ration.Files;
using Ration.Files.Gguf;
using Ration.Inference;
using Ration.Tensors;
using Ration.Tests.Files;
using Ration.Tokenizers.BytePair;

namespace Ration.Tests.Inference;

/// <summary>A GGUF file alone is a model: weights, tokenizer, template, ends.</summary>
public sealed class GgufLanguageModelTests
{
    private static readonly string[] s_special = [.. TinyModel.Special, "<|end_of_text|>"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.Q8_0)]
    [InlineData(DType.Q4_0)]
    public void A_file_chats(DType type)
    {
        using TemporaryFolder folder = new();
        string path = Write(folder, type);
        using LanguageModel model = LanguageModel.Load(path, new LanguageModelOptions { Context = 100, Threads = 2 });
        Assert.Equal([1, 5], model.EndIds);
        Assert.Equal(TinyModel.Template, model.ChatTemplate!.Source);
        int[] prompt = Conversation.Encode(model.Text, [new("user", "Hi")]);
        Assert.Equal([0, 3, .. model.Tokenizer.Encode("Hi", new() { AddBeginning = false }), 1, 4], prompt);
        ChatSession session = new(model);
        GeneratedText answer = session.Ask("Hi", TinyModel.Greedy(20)).Run(Cancellation);
        Assert.Equal(20, answer.Tokens.Count);
        GeneratedText ended = session.Ask("Hi", TinyModel.Script([.. model.Tokenizer.Encode("Ho", new() { AddBeginning = false }), 5])).Run(Cancellation);
        Assert.Equal(("Ho", FinishReason.End), (ended.Text, ended.Finish));
        Assert.Equal(3, model.Start("ab").PromptTokens);
    }

    [Fact]
    public void F32_in_a_file_says_what_the_folder_says()
    {
        using TemporaryFolder folder = new();
        using LanguageModel file = LanguageModel.Load(Write(folder, DType.F32), new LanguageModelOptions { Context = 100, Threads = 2, CacheType = DType.F32 });
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = LanguageModel.Load(tiny.Path, new LanguageModelOptions { Context = 100, Threads = 2, CacheType = DType.F32 });
        int[] prompt = [7, 8, 9, 200];
        IReadOnlyList<int> expected = model.Start(prompt, TinyModel.Varied(40)).Run(Cancellation).Tokens;
        Assert.True(expected.Distinct().Count() > 20);
        Assert.Equal(expected, file.Start(prompt, TinyModel.Varied(40)).Run(Cancellation).Tokens);
    }

    [Fact]
    public void A_file_without_a_tokenizer_is_refused()
    {
        using TemporaryFolder folder = new();
        using TinyModel tiny = TinyModel.OfBytes();
        using StoredModel stored = StoredModel.Open(tiny.Path);
        ModelConverter.ToGguf(stored, folder["bare.gguf"], cancellation: Cancellation);
        Assert.Contains("tokenizer", Assert.Throws<FileFormatException>(() => LanguageModel.Load(folder["bare.gguf"])).Message, StringComparison.Ordinal);
    }

    private static string Write(TemporaryFolder folder, DType type)
    {
        GgufWriter writer = new();
        writer.SetString("general.architecture", "llama");
        writer.SetString("tokenizer.ggml.model", "gpt2");
        writer.SetString("tokenizer.ggml.pre", "gpt-2");
        string[] bytes = [.. Enumerable.Range(0, 256).Select(static b => ByteAlphabet.Encode([(byte)b]))];
        string[] tokens = [.. s_special, .. bytes, .. Enumerable.Range(0, TinyModel.Configuration.Vocabulary - s_special.Length - 256).Select(static i => $"[PAD{i}]")];
        writer.SetStrings("tokenizer.ggml.tokens", tokens);
        writer.SetInt32s("tokenizer.ggml.token_type", [.. tokens.Select(static (_, id) => id < s_special.Length ? 3 : id < s_special.Length + 256 ? 1 : 5)]);
        writer.SetStrings("tokenizer.ggml.merges", []);
        writer.SetUInt32("tokenizer.ggml.bos_token_id", 0);
        writer.SetUInt32("tokenizer.ggml.eos_token_id", 1);
        writer.SetBoolean("tokenizer.ggml.add_bos_token", true);
        writer.SetString("tokenizer.chat_template", TinyModel.Template);
        writer.Save(folder["vocabulary.gguf"], static _ => { });
        using GgufFile vocabulary = GgufFile.Open(folder["vocabulary.gguf"]);
        using TinyModel tiny = TinyModel.OfBytes();
        using StoredModel stored = StoredModel.Open(tiny.Path);
        ModelConverter.ToGguf(stored, folder["model.gguf"], new ModelConversionOptions { Type = type, Tokenizer = Copy }, Cancellation);
        void Copy(GgufWriter target)
        {
            foreach (GgufEntry entry in vocabulary.Metadata.Entries.Where(static e => e.Key.StartsWith("tokenizer.", StringComparison.Ordinal))) target.Copy(vocabulary.Metadata, entry.Key);
        }

        return folder["model.gguf"];
    }
}
