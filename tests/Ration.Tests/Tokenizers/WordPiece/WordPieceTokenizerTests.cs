using System.Text;
using Ration.Tokenizers;
using Ration.Tokenizers.WordPiece;

namespace Ration.Tests.Tokenizers.WordPiece;

public sealed class WordPieceTokenizerTests
{
    private static readonly string[] s_tokens =
        ["[UNK]", "[CLS]", "un", "##aff", "##able", "a", "##a", "##b", "cafe", "##s", ",", "!", "世", "界", "$", "i", "##i", "\u00df", "naive", "ㅎ"];

    [Theory]
    [InlineData("unaffable", "un ##aff ##able")]
    [InlineData("UNAFFABLE, Cafés!", "un ##aff ##able , cafe ##s !")]
    [InlineData(" a\tab\r\nb ", "a a ##b [UNK]")]
    [InlineData("a世界a", "a 世 界 a")]
    [InlineData("$a$", "$ a $")]
    [InlineData("a\u00a0a\u2003a\u200ba\u0000a\ufffda", "a a a ##a ##a ##a")]
    [InlineData("[CLS] a", "[UNK] [UNK] [UNK] a")]
    [InlineData("na\u0131ve NAÏVE \u1e9e ß", "[UNK] naive \u00df \u00df")]
    [InlineData("", "")]
    [InlineData(" \n ", "")]
    public void Words_are_cleaned_and_cut_into_the_longest_pieces(string text, string expected)
    {
        Assert.Equal(expected, string.Join(' ', Create().Encode(text).Select(static id => s_tokens[id])));
    }

    [Fact]
    public void Words_of_more_than_a_hundred_characters_are_unknown()
    {
        WordPieceTokenizer tokenizer = Create();
        Assert.Equal(100, tokenizer.Encode(new string('a', 100)).Length);
        Assert.Equal([0], tokenizer.Encode(new string('a', 101)));
        Assert.Equal([0], tokenizer.Encode(new string('世', 3) + new string('a', 101))[^1..]);
    }

    [Fact]
    public void Cutting_the_text_or_the_room_anywhere_gives_the_same_tokens()
    {
        WordPieceTokenizer tokenizer = Create();
        var random = new Random(3);
        string[] words = ["unaffable", "Café", "a", "世界", ",", " ", "  \n", "aab", "\U0001F600", "$"];
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 2000).Select(_ => words[random.Next(words.Length)])));
        int[] whole = tokenizer.Encode(text);
        Assert.True(whole.Length > 1000);
        for (int round = 0; round < 20; round++)
        {
            List<int> parts = [];
            int[] room = new int[random.Next(100, 2000)];
            int given = 0, at = 0;
            while (at < text.Length)
            {
                given = Math.Min(text.Length, given + random.Next(1, 3000));
                tokenizer.Encode(text.AsSpan(at, given - at), room, given == text.Length, out int consumed, out int written);
                parts.AddRange(room[..written]);
                at += consumed;
            }

            Assert.Equal(whole, parts);
        }
    }

    [Fact]
    public void A_small_room_still_gets_on()
    {
        WordPieceTokenizer tokenizer = Create();
        int[] room = new int[2];
        byte[] text = "unaffable, unaffable aaaaaaaaaaaa"u8.ToArray();
        int at = 0;
        for (int calls = 0; at < text.Length; calls++)
        {
            Assert.True(calls < 50);
            tokenizer.Encode(text.AsSpan(at), room, isFinal: true, out int consumed, out int written);
            Assert.InRange(written, 0, 2);
            Assert.True(consumed > 0);
            at += consumed;
        }
    }

    [Fact]
    public void Decoding_joins_the_pieces_of_a_word_and_puts_a_space_before_each()
    {
        WordPieceTokenizer tokenizer = Create();
        Assert.Equal("unaffable , a", tokenizer.Decode(tokenizer.Encode("unaffable, a")));
        Assert.True(tokenizer.Bytes(1).IsEmpty);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Bytes(s_tokens.Length).Length);
    }

    private static WordPieceTokenizer Create()
    {
        var builder = new TokenVocabularyBuilder();
        for (int id = 0; id < s_tokens.Length; id++)
            builder.Add(WordPieceTokenizer.TokenBytes(Encoding.UTF8.GetBytes(s_tokens[id]), "##"u8), id < 2 ? TokenKind.Control : TokenKind.Normal);
        return new WordPieceTokenizer(builder.Build(), WordPieceTokenizer.Uncased, unknown: 0);
    }
}
