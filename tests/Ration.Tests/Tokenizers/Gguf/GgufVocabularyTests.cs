using System.Text;
using Ration.Files;
using Ration.Files.Gguf;
using Ration.Tokenizers;
using Ration.Tokenizers.Gguf;
using Ration.Tokenizers.Merging;
using Ration.Tokenizers.SentencePiece;

namespace Ration.Tests.Tokenizers.Gguf;

public sealed class GgufVocabularyTests
{
    [Theory]
    [InlineData("gpt-2")]
    [InlineData("starcoder")]
    [InlineData("deepseek-llm")]
    [InlineData("llama-spm")]
    public void A_real_vocabulary_gives_the_expected_ids_and_the_text_back(string name)
    {
        string path = SharedVocabularies.Path(name);
        using var file = GgufFile.Open(path);
        TextTokenizer tokenizer = GgufVocabulary.Read(file.Metadata);
        int cases = 0;
        foreach ((string text, int[] ids) in SharedVocabularies.Cases(path))
        {
            Assert.Equal(ids, tokenizer.Encode(text));
            Assert.Equal(text, tokenizer.Decode(ids));
            cases++;
        }

        Assert.InRange(cases, 40, 60);
    }

    [Theory]
    [InlineData("gpt-2", "")]
    [InlineData("starcoder", "C0C1F1F5F6F7F8F9FAFBFCFDFEFF")]
    [InlineData("deepseek-llm", "C0C1F5F6F7F8F9FAFBFCFDFEFF")]
    [InlineData("llama-spm", "")]
    public void A_real_vocabulary_loses_only_bytes_that_it_lacks_and_takes_texts_in_pieces(string name, string lackingHex)
    {
        using var file = GgufFile.Open(SharedVocabularies.Path(name));
        var tokenizer = (PieceTokenizer)GgufVocabulary.Read(file.Metadata).Inner;
        TokenVocabulary vocabulary = tokenizer.Vocabulary;
        byte[] lacking = [.. Enumerable.Range(0, 256).Select(static b => (byte)b).Where(b => vocabulary.Find([b]) < 0 && vocabulary.ByteToken(b) < 0)];
        Assert.Equal(lackingHex, Convert.ToHexString(lacking));
        var random = new Random(13);
        for (int i = 0; i < 50; i++)
        {
            // A literal U+2581 comes back as the space that it stands for.
            byte[] text = [.. SentencePieceTokenizer.Unescape(RandomTexts.Bytes(random, 100)), .. lacking];
            int[] tokens = [.. InPieces.Encode(tokenizer, text, random)];
            Assert.Equal(text.Where(b => !lacking.Contains(b)), tokens.SelectMany(t => tokenizer.Bytes(t).ToArray()));
            Assert.Equal(tokenizer.Encode(text), InPieces.Encode(tokenizer, [.. tokenizer.TextPrefix, .. text], random));
        }
    }

    [Theory]
    [InlineData("gpt-2")]
    [InlineData("starcoder")]
    [InlineData("deepseek-llm")]
    [InlineData("llama-spm")]
    public void Prose_takes_a_token_for_three_or_four_characters(string name)
    {
        using var file = GgufFile.Open(SharedVocabularies.Path(name));
        TextTokenizer tokenizer = GgufVocabulary.Read(file.Metadata);
        byte[] text = SharedVocabularies.Shakespeare();
        Assert.InRange(tokenizer.Encode(text).Length, 300_000, 400_000);
    }

    [Fact]
    public void Ids_and_flags_are_those_of_the_file()
    {
        TextTokenizer tokenizer = GgufVocabulary.Read(new MiniMetadata(Small()));
        Assert.Equal((3, 4, true, false), (tokenizer.BeginningId, tokenizer.EndId, tokenizer.AddBeginning, tokenizer.AddEnd));
        Assert.Equal([4, 5], tokenizer.EndIds);
        Assert.Equal([3, 2, 1, 5], tokenizer.Encode("abb<|im_end|>", new EncodingOptions { ParseSpecial = true }));
        Assert.Equal("abb", tokenizer.Decode([3, 2, 1, 5]));
    }

    [Theory]
    [InlineData("tokenizer.ggml.model", null, "has no tokenizer")]
    [InlineData("tokenizer.ggml.model", "magic", "of the kind")]
    [InlineData("tokenizer.ggml.pre", "magic", "cuts words in the way")]
    [InlineData("tokenizer.ggml.tokens", null, "has no tokens")]
    [InlineData("tokenizer.ggml.merges", null, "has no merges")]
    [InlineData("tokenizer.ggml.bos_token_id", 6u, "bos_token_id is 6")]
    public void What_does_not_fit_is_refused_with_the_reason(string key, object? value, string reason)
    {
        Dictionary<string, object> values = Small();
        values.Remove(key);
        if (value is not null) values[key] = value;
        Assert.Contains(reason, Assert.Throws<FileFormatException>(() => GgufVocabulary.Read(new MiniMetadata(values))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_that_do_not_fit_are_refused_with_the_reason()
    {
        Refused("tokenizer.ggml.token_type", new int[1], "1 tokenizer.ggml.token_type for 6 tokens");
        Refused("tokenizer.ggml.scores", new float[7], "7 tokenizer.ggml.scores for 6 tokens");
        Refused("tokenizer.ggml.scores", Enumerable.Repeat(float.NaN, 6).ToArray(), "score of token 0");
        Refused("tokenizer.ggml.merges", Texts("ab"), "merge 0");
        Refused("tokenizer.ggml.merges", Texts(" "), "merge 0");
        Refused("tokenizer.ggml.tokens", Texts("a", "b", "ab", "<s>", "</s>", new string('x', 5000)), "5000 bytes long");
        Refused("tokenizer.ggml.tokens", Texts("a", "b", "ab", "<s>", "</s>", new string('x', 2000)), "2000 bytes long");
    }

    private static void Refused(string key, object value, string reason)
    {
        Dictionary<string, object> values = Small();
        values[key] = value;
        Assert.Contains(reason, Assert.Throws<FileFormatException>(() => GgufVocabulary.Read(new MiniMetadata(values))).Message, StringComparison.Ordinal);
    }

    private static Dictionary<string, object> Small() => new()
    {
        ["tokenizer.ggml.model"] = "gpt2",
        ["tokenizer.ggml.pre"] = "llama-bpe",
        ["tokenizer.ggml.tokens"] = Texts("a", "b", "ab", "<s>", "</s>", "<|im_end|>"),
        ["tokenizer.ggml.token_type"] = new[] { 1, 1, 1, 3, 3, 3 },
        ["tokenizer.ggml.merges"] = Texts("a b"),
        ["tokenizer.ggml.bos_token_id"] = 3u,
        ["tokenizer.ggml.eos_token_id"] = 4u,
    };

    private static ReadOnlyMemory<byte>[] Texts(params string[] texts) => [.. texts.Select(static t => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(t)))];
}
