using System.Text;
using Ration.Tokenizers;
using Ration.Tokenizers.Merging;
using Ration.Tokenizers.Normalization;
using Ration.Tokenizers.Unigram;

namespace Ration.Tests.Tokenizers.Unigram;

public sealed class UnigramModelTests
{
    [Fact]
    public void On_random_vocabularies_no_cut_scores_higher()
    {
        var random = new Random(11);
        for (int round = 0; round < 400; round++)
        {
            bool singles = round % 2 == 0;
            TokenVocabulary vocabulary = RandomVocabulary(random, byteFallback: false, singles);
            var model = new UnigramModel(vocabulary);
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => "abcdé世x"[random.Next(7)]));
            var output = new TokenBuffer();
            double score = model.Encode(Encoding.UTF8.GetBytes(text), output);
            Assert.Equal(BestScore(vocabulary, text), score, 1e-9 * Math.Abs(score));
            if (singles) Assert.Equal(score, PathScore(vocabulary, text, output.Tokens), 1e-9 * Math.Abs(score));
        }
    }

    [Fact]
    public void With_byte_fallback_any_bytes_come_back()
    {
        var random = new Random(12);
        for (int round = 0; round < 200; round++)
        {
            var tokenizer = new UnigramTokenizer(RandomVocabulary(random, byteFallback: true), new UnigramSettings { CollapseSpaces = false, Prefix = SpacePrefix.Never });
            byte[] text = new byte[random.Next(200)];
            random.NextBytes(text);
            if (round % 2 == 0) text = Encoding.UTF8.GetBytes(string.Concat(text.Select(b => char.ConvertFromUtf32(b * 97 % 0xD000 + 1))));
            int[] tokens = tokenizer.Encode(text);
            Assert.Equal(text, tokens.SelectMany(t => tokenizer.Bytes(t).ToArray()));
        }
    }

    [Fact]
    public void However_small_the_room_the_tokens_stand_for_all_bytes()
    {
        var random = new Random(13);
        var tokenizer = new UnigramTokenizer(RandomVocabulary(random, byteFallback: true), new UnigramSettings { CollapseSpaces = false, Prefix = SpacePrefix.Never });
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 300).Select(_ => "abcdé世x \U0001F600\0"[random.Next(10)])));
        for (int room = 1; room < 20; room++)
        {
            List<byte> back = [];
            int[] tokens = new int[room];
            for (int at = 0; at < text.Length;)
            {
                tokenizer.Encode(text.AsSpan(at), tokens, isFinal: true, out int consumed, out int written);
                Assert.InRange(written, 1, room);
                foreach (int token in tokens.AsSpan(0, written)) back.AddRange(tokenizer.Bytes(token));
                at += consumed;
            }

            Assert.Equal(text, back);
        }
    }

    [Theory]
    [InlineData(true, "hello world", " hello", " world")]
    [InlineData(true, "  hello   world  ", " hello", " world")]
    [InlineData(false, "hello", "hello")]
    public void Spaces_belong_to_the_word_behind_them(bool prefix, string text, params string[] expected)
    {
        var builder = new TokenVocabularyBuilder();
        builder.Add("<unk>"u8, TokenKind.Unknown);
        foreach (string piece in (string[])[" ", " hello", "hello", " world", "world"]) builder.Add(Encoding.UTF8.GetBytes(piece), score: piece[0] == ' ' ? -4 : -4.5f);
        foreach (char piece in "helowrd") builder.Add([(byte)piece], score: -8);
        TokenVocabulary vocabulary = builder.Build();
        var spaces = new ReplaceNormalizer("_"u8.ToArray(), " "u8.ToArray());
        foreach ((ITextNormalizer? normalizer, string given) in new[] { (null, text), (spaces, text.Replace(' ', '_')), (null, text.Replace(' ', '\u2581')) })
        {
            var tokenizer = new UnigramTokenizer(vocabulary, new UnigramSettings { Prefix = prefix ? SpacePrefix.Always : SpacePrefix.Never, Normalizer = normalizer });
            Assert.Equal(expected, tokenizer.Encode(given).Select(id => Encoding.UTF8.GetString(vocabulary.Bytes(id))));
            Assert.Equal(string.Join("", expected).TrimStart(), tokenizer.Decode(tokenizer.Encode(given)));
        }
    }

    [Fact]
    public void A_run_of_unknown_characters_is_one_unknown_token()
    {
        var builder = new TokenVocabularyBuilder();
        builder.Add("<unk>"u8, TokenKind.Unknown);
        builder.Add("a"u8, score: -1);
        var tokenizer = new UnigramTokenizer(builder.Build(), new UnigramSettings { Prefix = SpacePrefix.Never });
        Assert.Equal([1, 0, 1, 0], tokenizer.Encode("a世界aé"));
    }

    [Fact]
    public void A_vocabulary_of_very_much_text_is_refused()
    {
        var builder = new TokenVocabularyBuilder();
        for (long bytes = 0; bytes <= 16 << 20; bytes += TokenVocabulary.MaxTokenBytes)
        {
            byte[] token = new byte[TokenVocabulary.MaxTokenBytes];
            BitConverter.TryWriteBytes(token, bytes);
            builder.Add(token);
        }

        TokenVocabulary vocabulary = builder.Build();
        Assert.Throws<InvalidInputException>(() => new UnigramModel(vocabulary));
    }

    [Theory(Timeout = LinearTime.Limit)]
    [InlineData("a")]
    [InlineData("ab")]
    [InlineData("\0")]
    [InlineData("a ")]
    [InlineData("世")]
    public async Task A_megabyte_of_the_same_does_not_hang(string text)
    {
        var tokenizer = new UnigramTokenizer(RandomVocabulary(new Random(5), byteFallback: true), new UnigramSettings());
        await LinearTime.Check(tokenizer, text);
    }

    private static TokenVocabulary RandomVocabulary(Random random, bool byteFallback, bool singles = false)
    {
        HashSet<string> texts = singles ? ["a", "b", "c", "d", "é", "世"] : [];
        while (texts.Count < 30) texts.Add(string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => "abcdé世"[random.Next(6)])));
        var builder = new TokenVocabularyBuilder();
        builder.Add("<unk>"u8, TokenKind.Unknown);
        foreach (string text in texts) builder.Add(Encoding.UTF8.GetBytes(text), score: -1 - 10 * random.NextSingle());
        if (!byteFallback) return builder.Build();
        builder.Add(" "u8, score: -3);
        for (int value = 0; value < 256; value++) builder.Add([(byte)value], TokenKind.Byte);
        return builder.Build();
    }

    // By the length of the prefix, over all pairs of places: the plain definition.
    private static double BestScore(TokenVocabulary vocabulary, string text)
    {
        Dictionary<string, double> scores = Scores(vocabulary);
        double unknown = scores.Values.Min() - 10;
        double[] best = new double[text.Length + 1];
        for (int end = 1; end <= text.Length; end++)
        {
            best[end] = double.NegativeInfinity;
            for (int start = 0; start < end; start++)
            {
                if (scores.TryGetValue(text[start..end], out double score)) best[end] = Math.Max(best[end], best[start] + score);
                else if (end - start == 1) best[end] = Math.Max(best[end], best[start] + unknown);
            }
        }

        return best[^1];
    }

    private static double PathScore(TokenVocabulary vocabulary, string text, ReadOnlySpan<int> path)
    {
        double unknown = Scores(vocabulary).Values.Min() - 10, score = 0;
        int at = 0;
        foreach (int id in path)
        {
            if (id >= 0)
            {
                string piece = Encoding.UTF8.GetString(vocabulary.Bytes(id));
                Assert.Equal(piece, text.Substring(at, piece.Length));
                at += piece.Length;
                score += vocabulary.Score(id);
                continue;
            }

            // Only x is in no token.
            Assert.Equal(-1 - 'x', id);
            Assert.Equal('x', text[at++]);
            score += unknown;
        }

        Assert.Equal(text.Length, at);
        return score;
    }

    private static Dictionary<string, double> Scores(TokenVocabulary vocabulary) => Enumerable.Range(0, vocabulary.Count)
        .Where(id => vocabulary.Kind(id) == TokenKind.Normal).ToDictionary(id => Encoding.UTF8.GetString(vocabulary.Bytes(id)), id => (double)vocabulary.Score(id));
}
