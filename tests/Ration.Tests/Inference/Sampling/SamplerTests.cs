using Ration.Inference.Sampling;

namespace Ration.Tests.Inference.Sampling;

/// <summary>Draws have the probabilities of the published formulas.</summary>
public sealed class SamplerTests
{
    private static readonly int[] s_history = [3, 5, 5, 7, 0, 5, 1, 3];

    public static TheoryData<string> Cases => [.. Options.Keys];

    private static Dictionary<string, SamplingOptions> Options { get; } = new()
    {
        ["temperature"] = new(0.7f, TopP: 1),
        ["temperature one"] = new(1, TopP: 1),
        ["top-k"] = new(1.3f, 5, 1),
        ["top-k of all"] = new(1.3f, 1_000_000, 1),
        ["top-p"] = new(1, 0, 0.8f),
        ["top-p of nearly all"] = new(3, 0, 0.995f),
        ["top-k and top-p"] = new(0.9f, 20, 0.7f),
        ["min-p"] = new(1, TopP: 1) { MinP = 0.05f },
        ["min-p after top-p"] = new(1.5f, 0, 0.9f) { MinP = 0.1f },
        ["typical"] = new(1, TopP: 1) { Typical = 0.6f },
        ["typical after top-k"] = new(2, 200, 1) { Typical = 0.9f },
        ["repetition"] = new(1, TopP: 1) { RepetitionPenalty = 1.4f, PenaltyWindow = 5 },
        ["frequency and presence"] = new(1, TopP: 1) { FrequencyPenalty = 0.6f, PresencePenalty = -0.4f },
        ["all"] = new(0.8f, 40, 0.95f)
        {
            MinP = 0.02f,
            Typical = 0.97f,
            RepetitionPenalty = 1.1f,
            FrequencyPenalty = 0.2f,
            PresencePenalty = 0.1f,
            LogitBias = new Dictionary<int, float> { [5] = 2, [9] = float.NegativeInfinity }
        },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Draws_have_the_probabilities_of_the_formulas(string name)
    {
        foreach (int vocabulary in (int[])[11, 64, 700, 5_000])
        {
            float[] logits = Logits(vocabulary, seed: vocabulary);
            double[] expected = SamplingReference.Probabilities(logits, Options[name], s_history);
            Sampler sampler = new(Options[name] with { Seed = 5 }, vocabulary);
            const int Draws = 4000;
            double[] counts = new double[vocabulary];
            for (int i = 0; i < Draws; i++) counts[sampler.Next(logits, i, s_history)]++;

            // A kept token of probability p comes Draws·p times, give or take; a dropped one never.
            for (int token = 0; token < vocabulary; token++)
            {
                double mean = Draws * expected[token], deviation = Math.Sqrt(mean * (1 - expected[token]));
                Assert.True(Math.Abs(counts[token] - mean) <= (5.5 * deviation) + (mean > 0 ? 3 : 0), $"{name}: token {token} of {vocabulary} came {counts[token]} times, expected {mean}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Exactly_the_expected_tokens_are_kept(string name)
    {
        foreach (int vocabulary in (int[])[1, 2, 65, 3000, 20_000])
        {
            float[] logits = Logits(vocabulary, seed: 7 + vocabulary);
            if (vocabulary < 10 && name == "all") continue;
            int[] history = [.. s_history.Where(t => t < vocabulary)];
            double[] expected = SamplingReference.Probabilities(logits, Options[name], history);
            Candidates candidates = new(vocabulary, Options[name].PenaltyWindow);
            candidates.Begin(logits, history);
            foreach (ISamplingStep step in Options[name].Pipeline()) step.Apply(candidates);
            int[] kept = [.. Enumerable.Range(0, candidates.Count).Select(candidates.Token).Order()];
            int[] wanted = [.. Enumerable.Range(0, vocabulary).Where(i => expected[i] > 0)];
            Assert.Equal(wanted, kept.Where(t => expected[t] > 0));
            Assert.All(kept, t => Assert.True(expected[t] > 0 || candidates.Count == vocabulary, $"{name}: {t} of {vocabulary} was kept"));
        }
    }

    [Fact]
    public void Temperature_zero_takes_the_most_likely_after_penalties_and_biases()
    {
        float[] logits = [1, 5, 4.9f, 5, -3];
        Assert.Equal(1, new Sampler(new SamplingOptions(0), 5).Next(logits, 0));
        Assert.Equal(3, new Sampler(new SamplingOptions(0) { RepetitionPenalty = 1.5f }, 5).Next(logits, 0, [1]));
        Assert.Equal(2, new Sampler(new SamplingOptions(0) { FrequencyPenalty = 0.06f }, 5).Next(logits, 0, [1, 1, 3, 3]));
        Assert.Equal(4, new Sampler(new SamplingOptions(0) { LogitBias = new Dictionary<int, float> { [4] = 9 } }, 5).Next(logits, 0));
    }

    [Fact]
    public void Tokens_that_the_tokenizer_does_not_know_are_passed_over_by_penalties()
    {
        SamplingOptions options = new(0) { RepetitionPenalty = 1.5f, FrequencyPenalty = 0.1f };
        Assert.Equal(2, new Sampler(options, 3).Next([1, 5, 4.9f], 0, [3, 1, 1_000_000, -1]));
    }

    [Fact]
    public void The_planned_memory_of_a_sampler_covers_all_methods_at_once()
    {
        const int Vocabulary = 50_000;
        SamplingOptions options = Options["all"] with { PenaltyWindow = 3000 };
        float[] logits = Logits(Vocabulary, 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = new Sampler(options, Vocabulary).Next(logits, 0, s_history);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(Sampler.HostBytes(Vocabulary, 3000), allocated - 4096, allocated * 1.1);
    }

    [Fact]
    public void A_draw_depends_on_its_number_and_the_seed_alone()
    {
        float[] logits = Logits(500, 3), other = Logits(500, 4);
        Sampler sampler = new(new SamplingOptions(1.5f, Seed: 9), 500), fresh = new(new SamplingOptions(1.5f, Seed: 9), 500), foreign = new(new SamplingOptions(1.5f, Seed: 10), 500);
        int[] first = [.. Enumerable.Range(0, 100).Select(i => sampler.Next(logits, i))];
        _ = sampler.Next(other, 3);
        Assert.Equal(first, Enumerable.Range(0, 100).Reverse().Select(i => sampler.Next(logits, i)).Reverse());
        Assert.Equal(first[50], fresh.Next(logits, 50));
        Assert.NotEqual(first, Enumerable.Range(0, 100).Select(i => foreign.Next(logits, i)));
    }

    [Fact]
    public void Equal_scores_go_to_the_lower_token()
    {
        float[] logits = new float[1000];
        Sampler sampler = new(new SamplingOptions(1, 3, 1), 1000);
        Assert.Equal([0, 1, 2], Enumerable.Range(0, 200).Select(i => sampler.Next(logits, i)).Distinct().Order());
    }

    [Fact]
    public void Logits_that_are_no_numbers_are_never_drawn()
    {
        float[] logits = new float[300];
        Array.Fill(logits, float.NaN);
        (logits[7], logits[200], logits[9]) = (1, 2, float.NegativeInfinity);
        Sampler sampler = new(new SamplingOptions(1, 0, 0.99f), 300);
        Assert.Equal([7, 200], Enumerable.Range(0, 200).Select(i => sampler.Next(logits, i)).Distinct().Order());
        logits[7] = float.PositiveInfinity;
        Assert.Equal([7], Enumerable.Range(0, 20).Select(i => sampler.Next(logits, i)).Distinct());
        Array.Fill(logits, float.NaN);
        foreach (float temperature in (float[])[0, 1])
            Assert.Throws<InvalidInputException>(() => new Sampler(new SamplingOptions(temperature, 5) { MinP = 0.1f, Typical = 0.5f }, 300).Next(logits, 0));
    }

    [Fact]
    public void Nothing_is_allocated_for_a_token()
    {
        float[] logits = Logits(5000, 1);
        foreach (SamplingOptions options in Options.Values.Append(new SamplingOptions(0)))
        {
            Sampler sampler = new(options, logits.Length);
            for (int i = 0; i < 50; i++) _ = sampler.Next(logits, i, s_history);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 20; i++) _ = sampler.Next(logits, i, s_history);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void Options_that_cannot_be_used_are_refused_by_name()
    {
        Dictionary<string, SamplingOptions> wrong = new()
        {
            ["--temperature"] = new(float.NaN),
            ["--top-k"] = new(1, -1),
            ["--top-p"] = new(1, 0, 0),
            ["--min-p"] = new() { MinP = 1.5f },
            ["--typical"] = new() { Typical = 0 },
            ["--repetition-penalty"] = new() { RepetitionPenalty = 0 },
            ["--frequency-penalty"] = new() { FrequencyPenalty = float.NaN },
            ["--presence-penalty"] = new() { PresencePenalty = float.PositiveInfinity },
            ["--repetition-penalty 1E-30: give a number from 0.01 to 100"] = new() { RepetitionPenalty = 1e-30f },
            ["--repetition-penalty 101"] = new() { RepetitionPenalty = 101 },
            ["--frequency-penalty 1E+38: give a number from -100 to 100"] = new() { FrequencyPenalty = 1e38f },
            ["--presence-penalty -101"] = new() { PresencePenalty = -101 },
            ["--penalty-window"] = new() { PenaltyWindow = -1 },
            ["--logit-bias"] = new() { LogitBias = new Dictionary<int, float> { [10] = 1 } },
        };
        foreach ((string option, SamplingOptions options) in wrong)
            Assert.Contains(option, Assert.Throws<InvalidInputException>(() => new Sampler(options, 10)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_method_of_ones_own_takes_part()
    {
        float[] logits = Logits(100, 2);
        Sampler sampler = new(new SamplingOptions(1, TopP: 1) { Steps = [new OnlyEven()] }, 100);
        Assert.All(Enumerable.Range(0, 200), i => Assert.Equal(0, sampler.Next(logits, i) % 2));
    }

    private static float[] Logits(int vocabulary, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, vocabulary).Select(_ => (float)(4 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }

    private sealed class OnlyEven : ISamplingStep
    {
        public void Apply(Candidates candidates)
        {
            Span<float> scores = candidates.Scores;
            for (int token = 1; token < scores.Length; token += 2) scores[token] = float.NegativeInfinity;
        }
    }
}
