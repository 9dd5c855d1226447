using System.Text;
using Ration.Files.Gguf;
using Ration.Tests.Files;
using Ration.Tokenizers;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.Gguf;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.PreTokenizers;
using Ration.Tokenizers.SentencePiece;
using Ration.Tokenizers.Special;

namespace Ration.Tests.Tokenizers;

/// <summary>Tokenizers written into GGUF files and folders make the same tokens when they are read again.</summary>
public sealed class TokenizerWritingTests
{
    private static readonly string[] s_texts = ["the thé  hen", " he\nthe<|end|>", "日本 then", "", "éé 't we'll 12345", "\t x\r\n\r\n  y "];

    [Theory]
    [InlineData(256)]
    [InlineData(300)]
    public void Bytes_go_through_both(int vocabulary) => Check(new TokenizerDescription { Tokenizer = new ByteTokenizer(vocabulary) }, vocabulary, s_texts);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Byte_pairs_go_through_both(bool wholeWords)
    {
        TokenVocabularyBuilder builder = new();
        for (int value = 0; value < 256; value++) builder.Add([(byte)value]);
        foreach (string token in (string[])["th", "the", "he", " the", "é"]) builder.Add(Encoding.UTF8.GetBytes(token));
        builder.Add("<|end|>"u8, TokenKind.Control);
        TokenVocabulary tokens = builder.Build();
        MergeTable merges = new(tokens);
        Assert.True(merges.Add("h"u8, "e"u8) && merges.Add("t"u8, "he"u8) && merges.Add(" "u8, "the"u8) && merges.Add("é"u8[..1], "é"u8[1..]));
        int end = tokens.Count - 1;
        BytePairTokenizer inner = new(tokens, merges, PreTokenizerNames.Find(wholeWords ? "llama-bpe" : "qwen2")!, wholeWords);
        Check(Describe(inner, end, addBeginning: wholeWords), tokens.Count, s_texts);
    }

    [Fact]
    public void Pieces_with_scores_go_through_both()
    {
        TokenVocabularyBuilder builder = new();
        builder.Add("<unk>"u8, TokenKind.Unknown);
        for (int value = 0; value < 256; value++) builder.Add([(byte)value], TokenKind.Byte);
        string[] pieces = [" ", "t", "h", "e", "n", "he", "th", "the", " the", "en", "hen", "é"];
        for (int i = 0; i < pieces.Length; i++) builder.Add(Encoding.UTF8.GetBytes(pieces[i]), TokenKind.Normal, i < 5 ? -100 - i : -i);
        builder.Add("<|end|>"u8, TokenKind.Control);
        TokenVocabulary tokens = builder.Build();
        Check(Describe(new SentencePieceTokenizer(tokens), tokens.Count - 1, addBeginning: true), tokens.Count, s_texts);
    }

    [Theory]
    [InlineData("gpt-2")]
    [InlineData("llama-spm")]
    [InlineData("starcoder")]
    [InlineData("deepseek-llm")]
    public void Vocabularies_of_real_models_go_through_both(string name)
    {
        string path = SharedVocabularies.Path(name);
        TokenizerDescription description = ModelTokenizer.Describe(path);
        Check(description, description.Tokenizer.VocabularySize, [.. SharedVocabularies.Cases(path).Select(static c => c.Text)]);
    }

    private static TokenizerDescription Describe(ITokenizer inner, int end, bool addBeginning) => new()
    {
        Tokenizer = new TextTokenizer(inner, [new AddedToken(end, "<|end|>"u8.ToArray(), IsSpecial: true)]) { BeginningId = end, EndId = end, AddBeginning = addBeginning },
        BeginningId = end,
        BeginningText = "<|end|>",
        EndText = "<|end|>",
        EndIds = [end],
        AddBeginning = addBeginning,
        ChatTemplate = "{{ 1 }}",
    };

    private static void Check(TokenizerDescription description, int vocabulary, string[] texts)
    {
        using TemporaryFolder folder = new();
        GgufWriter file = new();
        GgufVocabularyWriter.Write(file, description, vocabulary, "some model");
        file.Save(folder["tokenizer.gguf"], static _ => { });
        TokenizerDescription read = ModelTokenizer.Describe(folder["tokenizer.gguf"]);
        CheckSame(description, read, texts);

        Directory.CreateDirectory(folder["folder"]);
        TokenizerFolderWriter.Write(folder["folder"], read);
        CheckSame(description, ModelTokenizer.Describe(folder["folder"]), texts);
        CheckAgain(folder, vocabulary, description, texts);
    }

    // What was read from a folder goes into a file again: vocabularies with merges by character are others inside.
    private static void CheckAgain(TemporaryFolder folder, int vocabulary, TokenizerDescription description, string[] texts)
    {
        GgufWriter file = new();
        GgufVocabularyWriter.Write(file, ModelTokenizer.Describe(folder["folder"]), vocabulary, "some model");
        file.Save(folder["again.gguf"], static _ => { });
        CheckSame(description, ModelTokenizer.Describe(folder["again.gguf"]), texts);
    }

    private static void CheckSame(TokenizerDescription expected, TokenizerDescription read, string[] texts)
    {
        foreach (string text in texts)
        {
            int[] ids = expected.Tokenizer.Encode(text);
            Assert.Equal(ids, read.Tokenizer.Encode(text));
            Assert.Equal(expected.Tokenizer.Decode(ids), read.Tokenizer.Decode(ids));
            if (expected.Tokenizer is not TextTokenizer special) continue;
            EncodingOptions options = new() { ParseSpecial = true };
            Assert.Equal(special.Encode(text, options), ((TextTokenizer)read.Tokenizer).Encode(text, options));
        }

        for (int id = 0; id < Math.Min(expected.Tokenizer.VocabularySize, 500); id++) Assert.Equal(expected.Tokenizer.Decode([id]), read.Tokenizer.Decode([id]));
        Assert.Equal(expected.ChatTemplate, read.ChatTemplate);
        Assert.Equal(expected.AddBeginning, read.AddBeginning);
        Assert.Equal(expected.EndIds.Order(), read.EndIds.Order());
    }
}
