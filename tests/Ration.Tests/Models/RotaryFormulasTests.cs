using Ration.Graphs.Ops;
using Ration.Models;

namespace Ration.Tests.Models;

/// <summary>Rotary scalings against the published formulas, computed in float64 by tests/golden/make_architecture_golden.py.</summary>
public sealed class RotaryFormulasTests : IDisposable
{
    private readonly ArchitectureGolden _golden = new();

    private static readonly RotaryScaling s_dynamic = new() { Kind = RotaryScalingKind.Ntk, Factor = 2 };

    private static readonly Dictionary<string, ModelConfiguration> s_models = new()
    {
        ["llama-3.1"] = Model(131_072, 500_000, 128, Architectures.Llama3(8, 8192)),
        ["llama-3.2"] = Model(131_072, 500_000, 64, Architectures.Llama3(32, 8192)),
        ["linear"] = Model(16_384, 10_000, 64, new() { Kind = RotaryScalingKind.Linear, Factor = 4 }),
        ["dynamic-short"] = Model(4096, 10_000, 64, s_dynamic),
        ["dynamic-long"] = Model(4096, 10_000, 64, s_dynamic),
        ["yarn"] = Model(131_072, 1_000_000, 128, new() { Kind = RotaryScalingKind.Yarn, Factor = 4, OriginalContext = 32_768 }),
        ["yarn-with-factor"] = Model(8192, 10_000, 32, new() { Kind = RotaryScalingKind.Yarn, Factor = 16, BetaFast = 24, BetaSlow = 2, AttentionFactor = 1.125 }),
        ["longrope-short"] = Model(131_072, 10_000, 6, Architectures.LongRope(4096)),
        ["longrope-long"] = Model(131_072, 10_000, 6, Architectures.LongRope(4096)),
    };

    public static TheoryData<string> Names => [.. s_models.Keys];

    public void Dispose() => _golden.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Frequencies_are_those_of_the_published_formula(string name)
    {
        (double[] radians, double factor, int context) = _golden.Frequencies(name);
        RotaryFrequencies actual = RotaryFormulas.Of(s_models[name], 0, context);
        Assert.Equal(radians.Length, actual.Count);
        for (int i = 0; i < radians.Length; i++)
            Assert.True(Math.Abs(radians[i] - actual.Radians[i]) <= 1e-7 * radians[i], $"{name}: frequency {i} is {actual.Radians[i]:R}, must be {radians[i]:R}");
        Assert.Equal(factor, actual.Factor, 1e-6);
    }

    [Fact]
    public void Windowed_layers_with_a_base_of_their_own_are_not_scaled()
    {
        ModelConfiguration model = Architectures.All["gemma3"];
        Assert.Equal(RotaryFrequencies.Geometric(100, 8), RotaryFormulas.Of(model, 0, 64));
        Assert.Equal(RotaryFrequencies.Geometric(10_000, 8).Radians[1] / 8, RotaryFormulas.Of(model, 1, 64).Radians[1], 1e-6f);
    }

    [Fact]
    public void Equal_numbers_make_equal_frequencies()
    {
        RotaryFrequencies a = new([1, 0.5f], 2), b = new([1, 0.5f], 2);
        Assert.Equal(a, b);
        Assert.Equal(a.GetHashCode(), b.GetHashCode());
        Assert.Equal(new RotaryEmbedding(4, a, RotaryPairing.Halves), new RotaryEmbedding(4, b, RotaryPairing.Halves));
        Assert.NotEqual(a, new([1, 0.5f], 1));
        Assert.NotEqual(a, new([1, 0.25f], 2));
        Assert.NotEqual(a, new([1], 2));
        Assert.Equal("2 from 1 to 0.5, times 2", a.ToString());
    }

    private static ModelConfiguration Model(int context, double theta, int head, RotaryScaling scaling) =>
        Architectures.All["llama"] with { Context = context, RopeTheta = theta, HeadDimension = head, RotaryScaling = scaling };
}
