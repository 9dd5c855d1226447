using System.Text;
using Ration.Files.Gguf;
using Ration.Tests.Files;
using Ration.Tests.Tokenizers.HuggingFace;
using Ration.Tokenizers;
using Ration.Tokenizers.Gguf;

namespace Ration.Tests.Tokenizers.Gguf;

public sealed class GgufVocabularyWriterTests
{
    [Fact]
    public void Bytes_are_tokens_without_merges()
    {
        TokenizerDescription read = ThroughFile(new TokenizerDescription { Tokenizer = new ByteTokenizer(259) }, 264);
        Assert.Equal(264, read.Tokenizer.VocabularySize);
        var random = new Random(1);
        for (int round = 0; round < 100; round++)
        {
            byte[] text = RandomTexts.Bytes(random, random.Next(1, 60));
            Assert.Equal(text.Select(static b => (int)b), read.Tokenizer.Encode(text));
        }

        Assert.False(read.AddBeginning);
    }

    [Fact]
    public void A_trained_vocabulary_gives_the_same_tokens()
    {
        using TemporaryFolder folder = new();
        folder.Write("tokenizer.json", TokenizerJsonFile.Trained(out _));
        folder.Write("tokenizer_config.json", "{\"chat_template\":[{\"name\":\"default\",\"template\":\"a\"},{\"name\":\"tools\",\"template\":\"b\"}],\"eos_token\":\"<|\u00fc|>\"}");
        TokenizerDescription written = ModelTokenizer.Describe(folder.Path), read = ThroughFile(written, 512);
        RequireSame(written, read);
        Assert.Equal((0, true, false, "<|endoftext|>", "<|\u00fc|>"), (read.BeginningId, read.AddBeginning, read.AddEnd, read.BeginningText, read.EndText));
        Assert.Equal(("a", "b"), (read.ChatTemplate, read.ChatTemplates["tools"]));
        Assert.Contains(1, read.EndIds);
    }

    [Fact]
    public void SentencePiece_merges_become_scores()
    {
        string complete = TokenizerJsonFile.SentencePieceBpe.Replace("\"\\u2581 ab\",", "\"\\u2581 ab\", \"\\u2581a b\",", StringComparison.Ordinal);
        TokenizerDescription written = Parse(complete), read = ThroughFile(written, 12);
        RequireSame(written, read);
        Assert.Equal((1, true), (read.BeginningId, read.AddBeginning));
        InvalidInputException fault = Assert.Throws<InvalidInputException>(() => ThroughFile(Parse(TokenizerJsonFile.SentencePieceBpe), 12));
        Assert.Contains("lacks a pair", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unigram_and_WordPiece_vocabularies_give_the_same_tokens()
    {
        TokenizerDescription unigram = Parse(TokenizerJsonFile.Unigram.Replace("{\"type\": \"NFKC\"}, ", "", StringComparison.Ordinal)), words = Parse(TokenizerJsonFile.WordPiece);
        RequireSame(unigram, ThroughFile(unigram, 9));
        TokenizerDescription read = ThroughFile(words, 7);
        RequireSame(words, read);
        Assert.Equal((1, true, true), (read.BeginningId, read.AddBeginning, read.AddEnd));
        Assert.Equal(words.EndText, read.EndText);
        Assert.Equal(words.PaddingId, read.PaddingId);
    }

    [Fact]
    public void What_GGUF_has_no_words_for_is_refused_by_name()
    {
        Refuse(TokenizerJsonFile.Unigram, "normalizer");
        Refuse(TokenizerJsonTests.WhiteSpaceFile("NFKC").Replace("{\"type\": \"NFKC\"}, ", "", StringComparison.Ordinal), "WhitespaceSplit");
        Refuse(TokenizerJsonFile.WordPiece.Replace("\"lowercase\": true", "\"lowercase\": false", StringComparison.Ordinal), "capitals");
        Refuse(TokenizerJsonFile.ByteLevel.Replace("\"NFC\"", "\"NFKC\"", StringComparison.Ordinal), "normalizer");
        Refuse(TokenizerJsonFile.ByteLevel.Replace("\"ignore_merges\": false", "\"ignore_merges\": true", StringComparison.Ordinal), "ignore_merges");
        InvalidInputException fault = Assert.Throws<InvalidInputException>(() => ThroughFile(Parse(TokenizerJsonFile.WordPiece), 6));
        Assert.Contains("7 tokens", fault.Message, StringComparison.Ordinal);

        static void Refuse(string json, string named)
        {
            InvalidInputException fault = Assert.Throws<InvalidInputException>(() => ThroughFile(Parse(json), 64));
            Assert.Contains(named, fault.Message, StringComparison.Ordinal);
            Assert.Contains("keep the model in a folder", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_token_has_a_text_of_its_own()
    {
        // Two that are written alike, one that has no text, and rows of the model beyond the vocabulary.
        var builder = new TokenVocabularyBuilder();
        foreach (string token in (string[])["a", "", "a"]) builder.Add(Encoding.UTF8.GetBytes(token));
        using TemporaryFolder folder = new();
        Save(new TokenizerDescription { Tokenizer = new Ration.Tokenizers.SentencePiece.SentencePieceTokenizer(builder.Build()) }, 5, folder["x.gguf"]);
        using GgufFile file = GgufFile.Open(folder["x.gguf"]);
        GgufStrings tokens = file.Metadata.GetStrings("tokenizer.ggml.tokens");
        Assert.Equal(["a", "[PAD1]", "[PAD2]", "[PAD3]", "[PAD4]"], Enumerable.Range(0, tokens.Count).Select(i => tokens[i]));
        Assert.True(file.Metadata.TryGetInt32s("tokenizer.ggml.token_type", 1, 6, out int[]? kinds));
        Assert.Equal([1, 5, 5, 5, 5], kinds);
    }

    internal static TokenizerDescription Parse(string json)
    {
        using TemporaryFolder folder = new();
        folder.Write("tokenizer.json", json);
        return ModelTokenizer.Describe(folder.Path);
    }

    internal static void RequireSame(TokenizerDescription expected, TokenizerDescription actual)
    {
        var random = new Random(5);
        EncodingOptions options = new() { ParseSpecial = true };
        TextTokenizer own = (TextTokenizer)expected.Tokenizer, other = (TextTokenizer)actual.Tokenizer;
        string[] words = ["a", "b", "ab", " ab", "fish", "un", "unable", "cafe!", "\u00e9", "<x>"];
        for (int round = 0; round < 300; round++)
        {
            string text = round % 2 == 0 ? RandomTexts.Text(random, 12) : string.Concat(Enumerable.Range(0, 12).Select(_ => words[random.Next(words.Length)] + (random.Next(3) == 0 ? " " : "")));
            int[] tokens = own.Encode(text, options);
            Assert.Equal(tokens, other.Encode(text, options));
            Assert.Equal(own.Decode(tokens, showSpecial: true), other.Decode(tokens, showSpecial: true));
        }
    }

    internal static TokenizerDescription ThroughFile(TokenizerDescription description, int rows)
    {
        using TemporaryFolder folder = new();
        Save(description, rows, folder["x.gguf"]);
        return ModelTokenizer.Describe(folder["x.gguf"]);
    }

    private static void Save(TokenizerDescription description, int rows, string path)
    {
        var writer = new GgufWriter();
        GgufVocabularyWriter.Write(writer, description, rows, "some model");
        writer.Save(path, static _ => { });
    }
}
