using System.Text;
using Ration.Tokenizers;
using Ration.Tokenizers.SentencePiece;

namespace Ration.Tests.Tokenizers.SentencePiece;

public sealed class SentencePieceTokenizerTests
{
    private const string Letters = "ab c\u00E9\u4E2D'";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Tokens_are_those_of_merging_the_best_pair_of_the_whole_text_over_and_over(bool hasBytes)
    {
        var random = new Random(7);
        for (int i = 0; i < 100; i++)
        {
            TokenVocabulary vocabulary = RandomVocabularies.Pieces(random, random.Next(60), Letters, hasBytes);
            var tokenizer = new SentencePieceTokenizer(vocabulary, addsSpace: false);
            string text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => (Letters + "x\u2581\n")[random.Next(Letters.Length + 3)]));
            Assert.Equal(Naive(vocabulary, text.Replace('\u2581', ' ')), tokenizer.Encode(text));
        }
    }

    [Fact]
    public void Any_bytes_come_back_where_bytes_have_tokens()
    {
        var random = new Random(8);
        var tokenizer = new SentencePieceTokenizer(RandomVocabularies.Pieces(random, 200, Letters + "theor", hasBytes: true), addsSpace: false);
        for (int i = 0; i < 200; i++)
        {
            byte[] text = RandomTexts.Bytes(random, 60);
            byte[] back = [.. tokenizer.Encode(text).SelectMany(t => tokenizer.Bytes(t).ToArray())];
            Assert.Equal(SentencePieceTokenizer.Unescape(text), back);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Pieces_of_any_size_give_the_tokens_of_the_whole(bool hasBytes)
    {
        var random = new Random(9);
        var tokenizer = new SentencePieceTokenizer(RandomVocabularies.Pieces(random, 200, Letters + "theor", hasBytes), addsSpace: false);
        for (int i = 0; i < 100; i++)
        {
            byte[] text = RandomTexts.Bytes(random, 100);
            Assert.Equal(tokenizer.Encode(text), InPieces.Encode(tokenizer, text, random));
        }
    }

    [Fact]
    public void A_space_goes_before_a_text_and_comes_off_again()
    {
        var builder = new TokenVocabularyBuilder();
        foreach (string piece in new[] { " ", "a", "b", " a" }) builder.Add(Encoding.UTF8.GetBytes(piece));
        var tokenizer = new SentencePieceTokenizer(builder.Build());
        Assert.Equal([3, 2], tokenizer.Encode("ab"));
        Assert.Equal([0, 3], tokenizer.Encode(" a"));
        Assert.Empty(tokenizer.Encode(""));
        Assert.Equal("ab", tokenizer.Decode([3, 2]));
        Assert.Equal(" a", tokenizer.Decode([0, 3]));
        Assert.Equal(" ab", new StreamingDecoder(tokenizer).Append([3, 2]));
    }

    [Fact]
    public void Runs_that_nothing_covers_are_one_unknown()
    {
        TokenVocabulary vocabulary = RandomVocabularies.Pieces(new Random(10), 0, "ab", hasBytes: false);
        int a = vocabulary.Find("a"u8);
        Assert.Equal([a, 0, a, 0], new SentencePieceTokenizer(vocabulary, addsSpace: false).Encode("axyzaz"));
    }

    [Theory]
    [InlineData("<0x0A>", 10)]
    [InlineData("<0xfF>", 255)]
    [InlineData("<0xG0>", -1)]
    [InlineData("<0x 1>", -1)]
    [InlineData("<0x0A", -1)]
    public void A_byte_is_written_with_two_digits(string piece, int expected)
    {
        bool isByte = SentencePieceTokenizer.TryReadByte(Encoding.UTF8.GetBytes(piece), out byte value);
        Assert.Equal(expected, isByte ? value : -1);
    }

    [Fact]
    public void A_megabyte_of_one_letter_does_not_hang()
    {
        var builder = new TokenVocabularyBuilder();
        for (int length = 1; length <= 16; length++) builder.Add(Encoding.UTF8.GetBytes(new string('a', length)), TokenKind.Normal, -length);
        byte[] text = new byte[1 << 20];
        text.AsSpan().Fill((byte)'a');
        int[] tokens = new SentencePieceTokenizer(builder.Build(), addsSpace: false).Encode(text);
        Assert.Equal(1 << 20, tokens.Sum(static t => t + 1));
    }

    // Of the whole text at once; a run that no token covers is its bytes or one unknown.
    private static List<int> Naive(TokenVocabulary vocabulary, string text)
    {
        List<string> symbols = [.. text.EnumerateRunes().Select(static r => r.ToString())];
        while (true)
        {
            int best = -1;
            float score = float.NegativeInfinity;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                int both = vocabulary.Find(Encoding.UTF8.GetBytes(symbols[i] + symbols[i + 1]));
                if (both >= 0 && vocabulary.Score(both) > score) (best, score) = (i, vocabulary.Score(both));
            }

            if (best < 0) break;
            symbols[best] += symbols[best + 1];
            symbols.RemoveAt(best + 1);
        }

        var tokens = new List<int>();
        bool wasUnknown = false;
        foreach (string symbol in symbols)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(symbol);
            int token = vocabulary.Find(bytes);
            if (token >= 0) tokens.Add(token);
            else if (vocabulary.ByteToken(0) >= 0) tokens.AddRange(bytes.Select(b => vocabulary.ByteToken(b)));
            else if (!wasUnknown) tokens.Add(vocabulary.UnknownToken);
            wasUnknown = token < 0;
        }

        return tokens;
    }
}
