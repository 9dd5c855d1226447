using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Inference;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Tests.Inference;

/// <summary>Small random models and texts for tests of generation.</summary>
internal static class SmallModels
{
    /// <summary>A model of three layers.</summary>
    public static ModelConfiguration Model(int window = 0, int headDimension = 32) => new()
    {
        Name = "small",
        Vocabulary = 61,
        Width = 48,
        HiddenWidth = 70,
        Layers = 3,
        Heads = 4,
        KvHeads = 2,
        HeadDimension = headDimension,
        SlidingWindow = window,
    };

    /// <summary>A generator of a model with random weights, the same for every plan.</summary>
    public static Generator Open(GenerationOptions options, int threads = 2)
    {
        Generator generator = new(GenerationPlan.Create(options, new CpuDevice(threads)));
        foreach (Value weight in generator.Weights) WeightInitialization.Fill(generator.Executor, weight, options.Model, 7);
        return generator;
    }

    /// <summary>Feeds the only text.</summary>
    public static ReadOnlySpan<float> Put(this Generator generator, ReadOnlySpan<int> tokens) => generator.Feed(tokens, TestContext.Current.CancellationToken);

    /// <summary>Feeds all texts.</summary>
    public static void PutAll(this Generator generator, params int[][] tokens) =>
        generator.FeedAll([.. tokens.Select(static t => (ReadOnlyMemory<int>)t)], TestContext.Current.CancellationToken);

    /// <summary>Goes on with a text.</summary>
    public static ReadOnlySpan<float> GoOn(this Generator generator, ReadOnlySpan<int> text) => generator.Continue(text, TestContext.Current.CancellationToken);

    /// <summary>Options for texts of so many tokens.</summary>
    public static GenerationOptions Options(ModelConfiguration model, int tokens, DType cache = DType.F32, int rows = 1, int? chunk = null) =>
        new() { Model = model, MaxTokens = tokens, CacheType = cache, Rows = rows, Chunk = chunk };

    /// <summary>A random text.</summary>
    public static int[] Text(int tokens, int seed = 1, int vocabulary = 61)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, tokens).Select(_ => random.Next(vocabulary))];
    }

    /// <summary>The difference of two vectors as a share of the second.</summary>
    public static double Distance(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        double error = 0, size = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            error += Math.Pow(actual[i] - (double)expected[i], 2);
            size += Math.Pow(expected[i], 2);
        }

        return Math.Sqrt(error / size);
    }
}
