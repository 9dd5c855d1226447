using System.Text;
using Ration.Files;
using Ration.Tokenizers;
using Ration.Tokenizers.Gguf;

namespace Ration.Tests.Tokenizers.Gguf;

public sealed class NormalizingVocabulariesTests
{
    [Fact]
    public void The_real_vocabulary_of_BERT_gives_the_expected_ids()
    {
        string path = SharedVocabularies.Path("bert-bge");
        TextTokenizer tokenizer = GgufVocabulary.Read(new MiniMetadata(path), NormalizingVocabularies.Create);
        int cases = 0;
        foreach ((string text, int[] ids) in SharedVocabularies.Cases(path))
        {
            Assert.Equal(ids, tokenizer.Encode(text));
            cases++;
        }

        Assert.InRange(cases, 40, 60);
        Assert.Equal("hello world !", tokenizer.Decode(tokenizer.Encode(" Hello World!"), showSpecial: false));
        Assert.Equal([101, 7592, 102], tokenizer.Encode("hello", new EncodingOptions()));
    }

    private static readonly float[] s_scores = [0, 0, -1, -2, -3];
    private static readonly int[] s_kinds = [2, 3, 1, 1, 6];

    [Fact]
    public void A_unigram_vocabulary_is_read_with_its_settings()
    {
        var metadata = new MiniMetadata(new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "t5",
            ["tokenizer.ggml.tokens"] = Texts("<unk>", "</s>", "\u2581a", "b", "<0x41>"),
            ["tokenizer.ggml.scores"] = s_scores,
            ["tokenizer.ggml.token_type"] = s_kinds,
            ["tokenizer.ggml.eos_token_id"] = 1u,
            ["tokenizer.ggml.add_space_prefix"] = true,
            ["tokenizer.ggml.remove_extra_whitespaces"] = true,
        });
        TextTokenizer tokenizer = GgufVocabulary.Read(metadata, NormalizingVocabularies.Create);
        Assert.Equal([2, 3, 2, 4, 1], tokenizer.Encode("ab   aA ", new EncodingOptions()));
        metadata.Values["tokenizer.ggml.precompiled_charsmap"] = new byte[] { 9, 0, 0, 0, 1 };
        Assert.Throws<FileFormatException>(() => GgufVocabulary.Read(metadata, NormalizingVocabularies.Create));
    }

    private static ReadOnlyMemory<byte>[] Texts(params string[] texts) => [.. texts.Select(static t => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(t)))];
}
