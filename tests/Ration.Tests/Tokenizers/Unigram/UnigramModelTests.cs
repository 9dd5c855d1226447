using System.Buffers;
using System.Text;
using Ration.Tokenizers;
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
            UnigramVocabulary vocabulary = RandomVocabulary(random, byteFallback: false, singles);
            var model = new UnigramModel(vocabulary);
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => "abcdé世x"[random.Next(7)]));
            var output = new ArrayBufferWriter<int>();
            double score = model.Encode(Encoding.UTF8.GetBytes(text), output);
            Assert.Equal(BestScore(vocabulary, text), score, 1e-9 * Math.Abs(score));
            if (singles) Assert.Equal(score, PathScore(vocabulary, text, output.WrittenSpan), 1e-9 * Math.Abs(score));
        }
    }

    [Fact]
    public void With_byte_fallback_any_bytes_come_back()
    {
        var random = new Random(12);
        for (int round = 0; round < 200; round++)
        {
            var tokenizer = new UnigramTokenizer(RandomVocabulary(random, byteFallback: true), new UnigramSettings { CollapseSpaces = false, AddPrefix = false });
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
        var tokenizer = new UnigramTokenizer(RandomVocabulary(random, byteFallback: true), new UnigramSettings { CollapseSpaces = false, AddPrefix = false });
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
    [InlineData(true, "hello world", "▁hello", "▁world")]
    [InlineData(true, "  hello   world  ", "▁hello", "▁world")]
    [InlineData(false, "hello", "hello")]
    public void Spaces_belong_to_the_word_behind_them(bool prefix, string text, params string[] expected)
    {
        string[] pieces = ["<unk>", "▁", "▁hello", "hello", "▁world", "world", "h", "e", "l", "o", "w", "r", "d"];
        var vocabulary = new UnigramVocabulary
        {
            Pieces = [.. pieces.Select(static (p, i) => i == 0 ? [] : Encoding.UTF8.GetBytes(p))],
            Scores = [0, -3, -4, -4.5f, -4, -4.5f, -8, -8, -8, -8, -8, -8, -8],
            UnknownId = 0,
        };
        var tokenizer = new UnigramTokenizer(vocabulary, new UnigramSettings { AddPrefix = prefix });
        byte[] whole = [.. tokenizer.TextPrefix, .. Encoding.UTF8.GetBytes(text)];
        Assert.Equal(expected, tokenizer.Encode(whole).Select(id => pieces[id]));
        var spaces = new ReplaceNormalizer("_"u8.ToArray(), " "u8.ToArray());
        tokenizer = new UnigramTokenizer(vocabulary, new UnigramSettings { AddPrefix = prefix, Normalizer = spaces });
        whole = [.. tokenizer.TextPrefix, .. Encoding.UTF8.GetBytes(text.Replace(' ', '_'))];
        Assert.Equal(expected, tokenizer.Encode(whole).Select(id => pieces[id]));
    }

    private static UnigramVocabulary RandomVocabulary(Random random, bool byteFallback, bool singles = false)
    {
        HashSet<string> texts = singles ? ["a", "b", "c", "d", "é", "世"] : [];
        while (texts.Count < 30) texts.Add(string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => "abcdé世"[random.Next(6)])));
        List<byte[]> pieces = [[], [.. "\u2581"u8], .. texts.Select(Encoding.UTF8.GetBytes)];
        List<float> scores = [.. pieces.Select(_ => -1 - 10 * random.NextSingle())];
        int[]? bytes = null;
        if (byteFallback)
        {
            bytes = [.. Enumerable.Range(pieces.Count, 256)];
            for (int i = 0; i < 256; i++)
            {
                pieces.Add([]);
                scores.Add(0);
            }
        }

        return new UnigramVocabulary { Pieces = [.. pieces], Scores = [.. scores], UnknownId = 0, ByteIds = bytes };
    }

    // By the length of the prefix, over all pairs of places: the plain definition.
    private static double BestScore(UnigramVocabulary vocabulary, string text)
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

    private static double PathScore(UnigramVocabulary vocabulary, string text, ReadOnlySpan<int> path)
    {
        double unknown = Scores(vocabulary).Values.Min() - 10, score = 0;
        int at = 0;
        foreach (int id in path)
        {
            if (id != vocabulary.UnknownId)
            {
                string piece = Encoding.UTF8.GetString(vocabulary.Pieces[id]);
                Assert.Equal(piece, text.Substring(at, piece.Length));
                at += piece.Length;
                score += vocabulary.Scores[id];
                continue;
            }

            // One id for a run of characters that no piece covers, which only x is.
            Assert.Equal('x', text[at]);
            for (; at < text.Length && text[at] == 'x'; at++) score += unknown;
        }

        Assert.Equal(text.Length, at);
        return score;
    }

    private static Dictionary<string, double> Scores(UnigramVocabulary vocabulary) => Enumerable.Range(0, vocabulary.Pieces.Length)
        .Where(id => vocabulary.Pieces[id].Length > 0).ToDictionary(id => Encoding.UTF8.GetString(vocabulary.Pieces[id]), id => (double)vocabulary.Scores[id]);
}
