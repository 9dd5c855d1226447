using Ration.Models;

namespace Ration.Tests.Models;

/// <summary>The small models of tests/golden/make_architecture_golden.py, in this project's numbers.</summary>
internal static class Architectures
{
    private static readonly ModelConfiguration s_base = new()
    {
        Name = "llama",
        Vocabulary = 29,
        Width = 20,
        HiddenWidth = 28,
        Layers = 3,
        Heads = 4,
        KvHeads = 2,
        HeadDimension = 6,
        Context = 64,
    };

    private static readonly ModelConfiguration s_gemma = s_base with
    {
        Family = ModelFamily.Gemma,
        HeadDimension = 8,
        NormGainOffset = 1,
        TiedEmbeddings = true,
        EmbeddingScale = MathF.Sqrt(20),
        Activation = MlpActivation.GeluTanh,
    };

    private static readonly ModelConfiguration s_phi3 = s_base with
    {
        Family = ModelFamily.Phi3,
        HeadDimension = 8,
        RotaryDimension = 6,
        SlidingWindow = 9,
    };

    private static readonly ModelConfiguration s_mixture = s_base with
    {
        Experts = 7,
        ExpertsPerToken = 3,
        ExpertHiddenWidth = 12,
    };

    /// <summary>All, by the names of their golden values.</summary>
    public static IReadOnlyDictionary<string, ModelConfiguration> All { get; } = new[]
    {
        s_base,
        s_base with { Name = "llama-llama3", RotaryScaling = Llama3(8, 32) },
        s_base with { Name = "llama-linear", RotaryScaling = new() { Kind = RotaryScalingKind.Linear, Factor = 2.5 } },
        s_base with { Name = "llama-dynamic", Context = 11, RotaryScaling = new() { Kind = RotaryScalingKind.Ntk, Factor = 3 } },
        s_base with { Name = "llama-yarn", RotaryScaling = new() { Kind = RotaryScalingKind.Yarn, Factor = 4, OriginalContext = 16, BetaFast = 4 } },
        s_base with { Name = "mistral", Family = ModelFamily.Mistral, SlidingWindow = 5 },
        s_base with { Name = "qwen2", Family = ModelFamily.Qwen2, QueryKeyValueBiases = true, SlidingWindow = 4, FirstWindowedLayer = 2 },
        s_base with { Name = "qwen3", Family = ModelFamily.Qwen3, HeadDimension = 10, QueryKeyNorms = true, NormEpsilon = 1e-6f },
        s_gemma with { Name = "gemma", KvHeads = 1 },
        s_gemma with
        {
            Name = "gemma2", Family = ModelFamily.Gemma2, PostNorms = true, SlidingWindow = 4, FullAttentionEvery = 2, AttentionScalar = 7,
            AttentionSoftCap = 2, LogitSoftCap = 3,
        },
        s_gemma with
        {
            Name = "gemma3", Family = ModelFamily.Gemma3, PostNorms = true, QueryKeyNorms = true, SlidingWindow = 4, FullAttentionEvery = 2,
            AttentionScalar = 9, LocalRopeTheta = 100, RotaryScaling = new() { Kind = RotaryScalingKind.Linear, Factor = 8 },
        },
        s_phi3 with { Name = "phi3-long", RotaryScaling = LongRope(16) },
        s_phi3 with { Name = "phi3-short", RotaryScaling = LongRope(32) },
        s_base with
        {
            Name = "gpt2", Family = ModelFamily.Gpt2, Heads = 5, KvHeads = 5, HeadDimension = 4, Context = 23, Norm = NormKind.Layer,
            QueryKeyValueBiases = true, AttentionOutputBias = true, MlpBiases = true, GatedMlp = false, Activation = MlpActivation.GeluTanh,
            Positions = PositionKind.Learned, TiedEmbeddings = true,
        },
        s_mixture with
        {
            Name = "mixtral", Family = ModelFamily.Mixtral, Experts = 5, ExpertsPerToken = 2, ExpertHiddenWidth = 14, NormalizeExpertWeights = true,
        },
        s_mixture with { Name = "qwen2-moe", Family = ModelFamily.Qwen2Moe, QueryKeyValueBiases = true, SharedExpertHiddenWidth = 10 },
        s_mixture with
        {
            Name = "qwen3-moe", Family = ModelFamily.Qwen3Moe, HeadDimension = 10, QueryKeyNorms = true, NormalizeExpertWeights = true,
        },
    }.ToDictionary(static m => m.Name);

    /// <summary>A scaling of Llama 3.1.</summary>
    public static RotaryScaling Llama3(double factor, int original) =>
        new() { Kind = RotaryScalingKind.Llama3, Factor = factor, OriginalContext = original, LowFrequencyFactor = 1, HighFrequencyFactor = 4 };

    /// <summary>A scaling of Phi-3 for three rotated pairs.</summary>
    public static RotaryScaling LongRope(int original) =>
        new() { Kind = RotaryScalingKind.LongRope, OriginalContext = original, ShortFactors = [1, 1.25, 1.5], LongFactors = [1, 2.5, 4] };
}
