using System.Text;
using System.Text.RegularExpressions;
using Ration.Tokenizers.BytePairTraining;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tests.Tokenizers.BytePairTraining;

public sealed class BytePairTrainerTests
{
    private static readonly PreTokenizer s_words = PreTokenizerNames.Find("gpt-2")!;

    [Fact]
    public void The_merges_are_those_of_a_plain_trainer()
    {
        var random = new Random(21);
        for (int round = 0; round < 150; round++)
        {
            string letters = "abcde"[..random.Next(1, 6)];
            byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(2, 400)).Select(_ => random.Next(6) == 0 ? ' ' : letters[random.Next(letters.Length)])));
            var trainer = new BytePairTrainer(256 + 1 + random.Next(40), ["<end>"], s_words) { MinimumCount = 1 + round % 3 };
            trainer.Add(text.AsSpan(0, text.Length / 2));
            trainer.Add(text.AsSpan(text.Length / 2));
            TrainedBytePairs trained = trainer.Train(TestContext.Current.CancellationToken);
            (List<byte[]> tokens, List<(int, int)> merges) = Plain([text[..(text.Length / 2)], text[(text.Length / 2)..]], trained.Tokens, 257 + Joined(trained), trainer.MinimumCount);
            Assert.Equal(merges, trained.Merges);
            Assert.Equal(tokens, trained.Tokens);
        }
    }

    [Fact]
    public void Special_tokens_and_bytes_come_first()
    {
        var trainer = new BytePairTrainer(300, ["<s>", "</s>"], s_words);
        trainer.Add("ab ab ab"u8);
        TrainedBytePairs trained = trainer.Train(TestContext.Current.CancellationToken);
        Assert.Equal("<s>"u8.ToArray(), trained.Tokens[0]);
        Assert.Equal("!"u8.ToArray(), trained.Tokens[2]);
        Assert.Equal([0], trained.Tokens[2 + 256 - 68]);
        Assert.Equal(256, trained.Tokens.Skip(2).Take(256).Select(static t => Assert.Single(t)).Distinct().Count());
        Assert.Equal(["ab", " ab"], trained.Tokens.Skip(258).Select(Encoding.UTF8.GetString));
    }

    [Fact]
    public void Impossible_requests_are_refused()
    {
        Assert.Throws<InvalidInputException>(() => new BytePairTrainer(257, ["<s>", "</s>"], s_words));
        Assert.Throws<InvalidInputException>(() => new BytePairTrainer(300, ["<s>", "<s>"], s_words));
        Assert.Throws<InvalidInputException>(() => new BytePairTrainer(300, [""], s_words));
    }

    [Fact]
    public void Without_text_there_are_only_bytes() => Assert.Equal(256, new BytePairTrainer(1000, [], s_words).Train(TestContext.Current.CancellationToken).Tokens.Count);

    [Fact]
    public void A_long_text_without_a_space_takes_no_longer_than_its_merges()
    {
        var random = new Random(5);
        byte[] noise = new byte[1 << 17];
        random.NextBytes(noise);
        foreach (byte[] text in new[] { [.. Enumerable.Repeat((byte)'a', 1 << 17)], noise })
        {
            var trainer = new BytePairTrainer(2000, [], PreTokenizer.None);
            trainer.Add(text);
            Assert.NotEmpty(trainer.Train(TestContext.Current.CancellationToken).Merges);
        }
    }

    private static int Joined(TrainedBytePairs trained) => trained.Tokens.Count - 257;

    // Counts everything anew for every merge.
    private static (List<byte[]> Tokens, List<(int, int)> Merges) Plain(byte[][] texts, IReadOnlyList<byte[]> tokens, int size, long minimum)
    {
        List<byte[]> known = [.. tokens.Take(257)];
        List<List<int>> words = [];
        foreach (byte[] text in texts)
        {
            foreach (Match match in Regex.Matches(Encoding.UTF8.GetString(text), @" ?\p{L}+|\s+(?!\S)|\s+"))
                words.Add([.. match.Value.Select(c => known.FindIndex(1, t => t[0] == c))]);
        }

        List<(int, int)> merges = [];
        while (true)
        {
            var counts = new Dictionary<(int, int), long>();
            foreach (List<int> word in words) for (int i = 1; i < word.Count; i++) counts[(word[i - 1], word[i])] = counts.GetValueOrDefault((word[i - 1], word[i])) + 1;
            if (known.Count >= size || counts.Count == 0 || counts.Values.Max() < minimum) return (known, merges);
            (int First, int Second) pair = counts.OrderByDescending(static c => c.Value).ThenBy(static c => c.Key).First().Key;
            byte[] joined = [.. known[pair.First], .. known[pair.Second]];
            int id = known.FindIndex(257, t => t.AsSpan().SequenceEqual(joined));
            if (id < 0)
            {
                id = known.Count;
                known.Add(joined);
            }

            if (!merges.Contains(pair)) merges.Add(pair);
            foreach (List<int> word in words)
            {
                for (int i = 0; i + 1 < word.Count; i++)
                {
                    if ((word[i], word[i + 1]) != pair) continue;
                    word[i] = id;
                    word.RemoveAt(i + 1);
                }
            }
        }
    }

    [Fact]
    public void Frequent_words_are_learnt_where_not_all_can_be_counted()
    {
        BytePairTrainer all = new(300, [], PreTokenizerNames.Find("gpt-2")!), few = new(300, [], PreTokenizerNames.Find("gpt-2")!) { MostWords = 60 };
        Random random = new(4);
        for (int i = 0; i < 200; i++)
        {
            byte[] text = Encoding.UTF8.GetBytes($"the other mother gathered there {random.Next(1_000_000_000)} again and again with the others ");
            all.Add(text);
            few.Add(text);
            Assert.InRange(few.DifferentWords, 1, 60);
        }

        Assert.Equal(all.Train(TestContext.Current.CancellationToken).Merges.Take(12), few.Train(TestContext.Current.CancellationToken).Merges.Take(12));
    }
}
