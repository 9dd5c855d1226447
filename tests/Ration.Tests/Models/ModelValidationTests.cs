using Ration.Graphs;
using Ration.Models;

namespace Ration.Tests.Models;

/// <summary>Configurations that cannot be built are refused by name and reason.</summary>
public sealed class ModelValidationTests
{
    private static readonly ModelConfiguration s_llama = Architectures.All["llama"], s_mixtral = Architectures.All["mixtral"], s_gpt2 = Architectures.All["gpt2"];

    public static TheoryData<string> Names => [.. Architectures.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_family_is_accepted_and_counts_its_weights(string name)
    {
        ModelConfiguration model = Architectures.All[name];
        model.Validate();
        GraphBuilder builder = new();
        _ = new TransformerModel(builder, model, 8);
        Assert.Equal(model.Parameters, builder.Persistent.Sum(static v => v.Shape.Elements));
    }

    [Fact]
    public void Sizes_out_of_range_are_refused()
    {
        Refuses(s_llama with { Vocabulary = 0 }, "vocabulary 0");
        Refuses(s_llama with { Heads = 5 }, "5 heads cannot share 2");
        Refuses(s_llama with { HeadDimension = 0 }, "head dimension 0");
        Refuses(s_llama with { HeadDimension = 7 }, "7 of 7 channels of a head cannot be rotated");
        Refuses(s_llama with { HeadDimension = 2048 }, "2048 of 2048 channels");
        Refuses(s_llama with { RotaryDimension = 8 }, "8 of 6 channels");
        Refuses(s_llama with { NormGainOffset = float.NaN }, "norm gain offset");
        Refuses(s_llama with { EmbeddingScale = 0 }, "embedding scale 0");
        Refuses(s_llama with { AttentionSoftCap = -1 }, "attention soft cap -1");
        Refuses(s_llama with { LogitSoftCap = float.PositiveInfinity }, "logit soft cap");
        Refuses(s_llama with { FullAttentionEvery = -2 }, "full attention every -2");
        Refuses(s_llama with { Positions = (PositionKind)9 }, "positions 9");
        Refuses(s_gpt2 with { QueryKeyNorms = true }, "not by layer norms");
        Refuses(s_gpt2 with { NormGainOffset = 1 }, "no gain offset");
        Refuses(s_mixtral with { Layers = 10_000, Width = 1 << 20, Experts = 4096, ExpertHiddenWidth = 1 << 22 }, "cannot be counted");
    }

    [Fact]
    public void Experts_that_do_not_fit_are_refused()
    {
        Refuses(s_mixtral with { Experts = -1 }, "-1 experts");
        Refuses(s_mixtral with { Experts = 5000 }, "5000 experts");
        Refuses(s_mixtral with { ExpertsPerToken = 6 }, "6 of 5 experts");
        Refuses(s_mixtral with { ExpertsPerToken = 0 }, "0 of 5 experts");
        Refuses(s_mixtral with { ExpertHiddenWidth = 0 }, "hidden width 0 of experts");
        Refuses(s_mixtral with { MlpBiases = true }, "experts with biases");
        Refuses(s_mixtral with { GatedMlp = false }, "without a gate");
    }

    [Fact]
    public void Rotary_scalings_that_do_not_fit_are_refused()
    {
        Refuses(Scaled(new() { Kind = RotaryScalingKind.Linear, Factor = 0 }), "factor 0");
        Refuses(Scaled(new() { Kind = RotaryScalingKind.Linear, Factor = double.NaN }), "factor NaN");
        Refuses(Scaled(new() { Kind = RotaryScalingKind.Ntk, Factor = 0.5 }), "less than 1");
        Refuses(Scaled(new() { Kind = RotaryScalingKind.Ntk, Factor = 2 }) with { HeadDimension = 2 }, "more than one rotated pair");
        Refuses(Scaled(new() { Kind = RotaryScalingKind.Yarn, Factor = 2, BetaSlow = 40 }), "betas 32 and 40");
        Refuses(Scaled(new() { Kind = RotaryScalingKind.Yarn, Factor = 2 }) with { RopeTheta = 1 }, "rope theta above 1");
        Refuses(Scaled(new() { Kind = RotaryScalingKind.Llama3, Factor = 2, LowFrequencyFactor = 4 }), "low below high");
        Refuses(Scaled(new() { Kind = RotaryScalingKind.LongRope, ShortFactors = [1, 2], LongFactors = [1, 2, 3] }), "2 short factors do not fit 3");
        Refuses(Scaled(new() { Kind = RotaryScalingKind.LongRope, ShortFactors = [1, 2, 3], LongFactors = [1, 0, 3] }), "a long factor is not positive");
        Refuses(Scaled(Architectures.LongRope(1)), "more than one token");
        Refuses(Scaled(new() { Kind = (RotaryScalingKind)17 }), "no rotary scaling 17");

        static ModelConfiguration Scaled(RotaryScaling scaling) => s_llama with { RotaryScaling = scaling };
    }

    [Fact]
    public void Learned_positions_are_only_for_texts_of_their_length()
    {
        _ = new TransformerModel(new GraphBuilder(), s_gpt2, 23);
        InvalidInputException e = Assert.Throws<InvalidInputException>(static () => new TransformerModel(new GraphBuilder(), s_gpt2, 24));
        Assert.Contains("23 tokens, not for 24", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Windows_are_where_the_family_has_them()
    {
        Assert.Equal([4, 0, 4], Windows("gemma2"));
        Assert.Equal([0, 0, 4], Windows("qwen2"));
        Assert.Equal([5, 5, 5], Windows("mistral"));
        Assert.Equal([0, 0, 0], Windows("llama"));

        static int[] Windows(string name) => [.. Enumerable.Range(0, 3).Select(Architectures.All[name].WindowOf)];
    }

    private static void Refuses(ModelConfiguration model, string reason)
    {
        InvalidInputException e = Assert.Throws<InvalidInputException>(model.Validate);
        Assert.Contains($"model {model.Name}: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }
}
