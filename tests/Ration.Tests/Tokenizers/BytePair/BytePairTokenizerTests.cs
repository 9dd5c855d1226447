using System.Text;
using Ration.Tokenizers;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tests.Tokenizers.BytePair;

public sealed class BytePairTokenizerTests
{
    private const string Letters = "ab cé'1\n";

    [Fact]
    public void Tokens_are_those_of_merging_the_first_pair_over_and_over()
    {
        var random = new Random(3);
        for (int i = 0; i < 60; i++)
        {
            (TokenVocabulary vocabulary, MergeTable merges, List<(string, string)> order) = RandomVocabularies.BytePairs(random, random.Next(60), Letters);
            var tokenizer = new BytePairTokenizer(vocabulary, merges, PreTokenizer.None);
            string text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => Letters[random.Next(Letters.Length)]));
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            Assert.Equal(Naive(order, bytes), tokenizer.Encode(bytes).Select(t => RandomVocabularies.Key(vocabulary.Bytes(t).ToArray())));
        }
    }

    [Fact]
    public void Any_bytes_come_back()
    {
        var random = new Random(4);
        (TokenVocabulary vocabulary, MergeTable merges, _) = RandomVocabularies.BytePairs(random, 200, Letters + "the orE");
        foreach (string name in PreTokenizerNames.All)
        {
            var tokenizer = new BytePairTokenizer(vocabulary, merges, PreTokenizerNames.Find(name)!);
            for (int i = 0; i < 20; i++)
            {
                byte[] text = RandomTexts.Bytes(random, 60);
                Assert.Equal(text, tokenizer.Encode(text).SelectMany(t => tokenizer.Bytes(t).ToArray()));
            }
        }
    }

    [Fact]
    public void Pieces_of_any_size_give_the_tokens_of_the_whole()
    {
        var random = new Random(5);
        (TokenVocabulary vocabulary, MergeTable merges, _) = RandomVocabularies.BytePairs(random, 300, Letters + "the orE");
        foreach (string name in new[] { "gpt-2", "llama-bpe", "deepseek-llm", "default", "tekken" })
        {
            var tokenizer = new BytePairTokenizer(vocabulary, merges, PreTokenizerNames.Find(name)!);
            for (int i = 0; i < 20; i++)
            {
                byte[] text = RandomTexts.Bytes(random, 200);
                Assert.Equal(tokenizer.Encode(text), InPieces.Encode(tokenizer, text, random));
            }
        }
    }

    [Fact]
    public void A_megabyte_of_one_letter_does_not_hang()
    {
        var builder = new TokenVocabularyBuilder();
        for (int value = 0; value < 256; value++) builder.Add([(byte)value]);
        for (int length = 2; length <= 64; length *= 2) builder.Add(Encoding.UTF8.GetBytes(new string('a', length)));
        TokenVocabulary vocabulary = builder.Build();
        var merges = new MergeTable(vocabulary);
        for (int length = 1; length <= 32; length *= 2)
        {
            byte[] half = Encoding.UTF8.GetBytes(new string('a', length));
            merges.Add(half, half);
        }

        var tokenizer = new BytePairTokenizer(vocabulary, merges, PreTokenizerNames.Find("gpt-2")!);
        byte[] text = new byte[1 << 20];
        text.AsSpan().Fill((byte)'a');
        int[] tokens = tokenizer.Encode(text);
        Assert.Equal(Enumerable.Repeat(vocabulary.Find(Encoding.UTF8.GetBytes(new string('a', 64))), (1 << 20) / 64), tokens);
    }

    [Fact]
    public void A_word_with_more_tokens_than_there_is_room_for_is_cut_also_where_text_follows()
    {
        var builder = new TokenVocabularyBuilder();
        foreach (string token in (string[])["a", " "]) builder.Add(Encoding.UTF8.GetBytes(token));
        TokenVocabulary vocabulary = builder.Build();
        var tokenizer = new BytePairTokenizer(vocabulary, new MergeTable(vocabulary), PreTokenizerNames.Find("gpt-2")!);
        tokenizer.Encode("aaaaaaaa a"u8, new int[3], isFinal: false, out int consumed, out int written);
        Assert.Equal((3, 3), (consumed, written));
        // Without any end it is cut somewhere.
        byte[] text = new byte[1 << 18];
        text.AsSpan().Fill((byte)'a');
        tokenizer.Encode(text, new int[text.Length], isFinal: false, out consumed, out written);
        Assert.Equal(consumed, written);
        Assert.InRange(consumed, text.Length / 4, text.Length);
    }

    [Fact]
    public void A_whole_word_wins_over_its_merges_only_where_asked()
    {
        var builder = new TokenVocabularyBuilder();
        for (int value = 0; value < 256; value++) builder.Add([(byte)value]);
        builder.Add("ab"u8);
        builder.Add("abc"u8);
        TokenVocabulary vocabulary = builder.Build();
        var merges = new MergeTable(vocabulary);
        merges.Add("a"u8, "b"u8);
        Assert.Equal([256, 'c'], new BytePairTokenizer(vocabulary, merges, PreTokenizer.None).Encode("abc"));
        Assert.Equal([257], new BytePairTokenizer(vocabulary, merges, PreTokenizer.None, wholeWords: true).Encode("abc"));
    }

    [Fact]
    public void Bytes_without_a_token_are_unknown_or_pass()
    {
        var builder = new TokenVocabularyBuilder();
        builder.Add("a"u8);
        Assert.Equal([0, 0], new BytePairTokenizer(builder.Build(), new MergeTable(builder.Build()), PreTokenizer.None).Encode("axya"));
        builder.Add("<unk>"u8, TokenKind.Unknown);
        Assert.Equal([0, 1, 0], new BytePairTokenizer(builder.Build(), new MergeTable(builder.Build()), PreTokenizer.None).Encode("axya"));
    }

    [Fact]
    public void Calls_at_the_same_time_do_not_disturb_each_other()
    {
        var random = new Random(6);
        (TokenVocabulary vocabulary, MergeTable merges, _) = RandomVocabularies.BytePairs(random, 300, Letters + "the orE");
        var tokenizer = new BytePairTokenizer(vocabulary, merges, PreTokenizerNames.Find("gpt-2")!);
        byte[][] texts = [.. Enumerable.Range(0, 64).Select(_ => RandomTexts.Bytes(random, 300))];
        int[][] expected = [.. texts.Select(t => tokenizer.Encode(t))];
        Parallel.For(0, 256, i => Assert.Equal(expected[i % 64], tokenizer.Encode(texts[i % 64])));
    }

    private static List<string> Naive(List<(string Left, string Right)> order, byte[] text)
    {
        List<string> symbols = [.. text.Select(static b => ((char)b).ToString())];
        while (true)
        {
            int best = -1, rank = int.MaxValue;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                int found = order.IndexOf((symbols[i], symbols[i + 1]));
                if (found >= 0 && found < rank) (best, rank) = (i, found);
            }

            if (best < 0) return symbols;
            symbols[best] += symbols[best + 1];
            symbols.RemoveAt(best + 1);
        }
    }
}
