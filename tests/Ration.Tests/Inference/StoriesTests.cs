using System.Text.Json;
using Ration.Devices.Cpu;
using Ration.Inference;
using Ration.Inference.Sampling;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Tests.Inference;

/// <summary>A trained model says what an independent program in double precision says.</summary>
public sealed class StoriesTests
{
    [Fact]
    public void Greedy_tokens_are_those_of_the_reference()
    {
        StoriesCheckpoint.Require();
        int[] expected = [.. StoriesCheckpoint.Reference().GetProperty("greedyFromBos").EnumerateArray().Select(static e => e.GetInt32())];
        using Generator generator = Open(expected.Length);
        List<int> tokens = [expected[0]];
        while (tokens.Count < expected.Length) tokens.Add(Greatest(generator.Put([tokens[^1]])));
        Assert.Equal(expected, tokens);
    }

    [Fact]
    public void The_first_logits_are_those_of_the_reference()
    {
        StoriesCheckpoint.Require();
        double[] expected = [.. StoriesCheckpoint.Reference().GetProperty("logitsAfterBosFirst8").EnumerateArray().Select(static e => e.GetDouble())];
        using Generator generator = Open(1);
        float[] logits = generator.Put([1]).ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], logits[i], 1e-5);
    }

    [Fact]
    public void Mean_negative_log_likelihoods_are_those_of_the_reference()
    {
        StoriesCheckpoint.Require();
        JsonElement reference = StoriesCheckpoint.Reference();
        JsonElement[] texts = [.. reference.GetProperty("sampled").EnumerateArray()];
        using Generator generator = Open(256);
        Assert.Equal(16, texts.Length);
        for (int i = 0; i < texts.Length; i++)
        {
            int[] tokens = [.. texts[i].EnumerateArray().Select(static e => e.GetInt32())];
            generator.Reset();
            double sum = 0;
            for (int t = 0; t + 1 < tokens.Length; t++) sum += NegativeLogLikelihood(generator.Put([tokens[t]]), tokens[t + 1]);
            double expected = reference.GetProperty("meanNegativeLogLikelihood")[i].GetDouble();
            Assert.True(Math.Abs((sum / (tokens.Length - 1)) - expected) <= 1e-5, $"text {i}: {sum / (tokens.Length - 1)}, must be {expected}");
        }
    }

    private static int Greatest(ReadOnlySpan<float> logits) => new Sampler(new SamplingOptions(0), logits.Length).Next(logits, 0);

    private static double NegativeLogLikelihood(ReadOnlySpan<float> logits, int token)
    {
        double greatest = logits[0], sum = 0;
        foreach (float logit in logits) greatest = Math.Max(greatest, logit);
        foreach (float logit in logits) sum += Math.Exp(logit - greatest);
        return greatest + Math.Log(sum) - logits[token];
    }

    private static Generator Open(int tokens)
    {
        ModelConfiguration model = StoriesCheckpoint.Configuration();
        Generator generator = new(GenerationPlan.Create(new GenerationOptions { Model = model, MaxTokens = tokens, CacheType = DType.F32 }, new CpuDevice(2)));
        StoriesCheckpoint.Load(generator);
        return generator;
    }
}
