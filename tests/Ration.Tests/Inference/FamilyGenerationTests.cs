using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Inference;
using Ration.Models;
using Ration.Tensors;
using Ration.Tests.Models;

namespace Ration.Tests.Inference;

/// <summary>Every family generates, chunk by chunk and token by token through its cache, what PyTorch computes for the whole text.</summary>
public sealed class FamilyGenerationTests : IDisposable
{
    private const double Tolerance = 1e-4;
    private readonly ArchitectureGolden _golden = new();

    public static TheoryData<string> Names => [.. Architectures.All.Keys];

    public void Dispose() => _golden.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_after_each_chunk_and_token_agree(string name)
    {
        ModelConfiguration model = Architectures.All[name];
        GenerationOptions options = new() { Model = model, Context = _golden.Sequence, MaxTokens = 1, CacheType = DType.F32, WeightType = DType.F32, Chunk = 4 };
        using CpuDevice device = new(1);
        using Generator generator = new(GenerationPlan.Create(options, device));
        foreach (Value weight in generator.Weights)
            generator.Executor.WritePersistent(weight, 0, MemoryMarshal.AsBytes<float>(ArchitectureGolden.Weight(model, new ParameterShape(weight.Name, weight.Shape))));
        ReadOnlySpan<int> text = _golden.Tokens.AsSpan(0, _golden.Sequence);
        float[] expected = _golden.Logits(name);
        int[] feeds = [7, 1, 1, 3, 1, 5, 1];
        Assert.Equal(text.Length, feeds.Sum());
        foreach (int count in feeds)
        {
            ReadOnlySpan<float> logits = generator.Feed(text.Slice(generator.Position, count), TestContext.Current.CancellationToken);
            int last = (generator.Position - 1) * model.Vocabulary;
            double greatest = expected.AsSpan(last, model.Vocabulary).ToArray().Max(Math.Abs);
            for (int i = 0; i < logits.Length; i++)
            {
                Assert.True(
                    Math.Abs(expected[last + i] - logits[i]) <= Tolerance * greatest,
                    $"{name} after {generator.Position} tokens: logit {i} is {logits[i]}, must be {expected[last + i]}");
            }
        }
    }
}
