using Ration.Graphs.Ops;

namespace Ration.Models;

/// <summary>Which configurations can be built.</summary>
internal static class ModelValidation
{
    /// <summary>Checks that the numbers of a model fit each other.</summary>
    /// <exception cref="InvalidInputException">They do not; the message says which.</exception>
    public static void Check(ModelConfiguration m)
    {
        CheckSizes(m);
        CheckChoices(m);
        CheckAttention(m);
        if (m.Positions == PositionKind.Rotary) CheckRotation(m);
        if (m.Experts != 0) CheckExperts(m);
        CheckShapes(m);
    }

    private static void CheckSizes(ModelConfiguration m)
    {
        Require(m, m.Vocabulary is > 0 and <= 4_000_000, $"vocabulary {m.Vocabulary} is not between 1 and 4,000,000");
        Require(m, m.Width is > 0 and <= 1 << 20, $"width {m.Width} is not between 1 and 1,048,576");
        Require(m, m.HiddenWidth is > 0 and <= 1 << 22, $"hidden width {m.HiddenWidth} is not between 1 and 4,194,304");
        Require(m, m.Layers is > 0 and <= 10_000, $"{m.Layers} layers is not between 1 and 10,000");
        Require(m, m.KvHeads > 0 && m.Heads > 0 && m.Heads <= 65_536 && m.Heads % m.KvHeads == 0, $"{m.Heads} heads cannot share {m.KvHeads} key-value heads");
        Require(m, m.HeadDimension is > 0 and <= 65_536, $"head dimension {m.HeadDimension} is not between 1 and 65,536");
        Require(m, m.Context > 0, $"context {m.Context} is not positive");
        Require(m, m.NormEpsilon is > 0 and < 1, $"norm epsilon {m.NormEpsilon} is not between 0 and 1");
        Require(m, float.IsFinite(m.NormGainOffset), $"norm gain offset {m.NormGainOffset} is not a number");
        Require(m, float.IsFinite(m.EmbeddingScale) && m.EmbeddingScale != 0, $"embedding scale {m.EmbeddingScale} is not a number other than 0");
    }

    private static void CheckChoices(ModelConfiguration m)
    {
        Require(m, Enum.IsDefined(m.Family), $"there is no family {m.Family}");
        Require(m, Enum.IsDefined(m.Norm), $"there is no norm {m.Norm}");
        Require(m, Enum.IsDefined(m.Activation), $"there is no activation {m.Activation}");
        Require(m, Enum.IsDefined(m.Positions), $"there is no kind of positions {m.Positions}");
        Require(m, Enum.IsDefined(m.RotaryPairing), $"there is no rotary pairing {m.RotaryPairing}");
        bool isLayerNorm = m.Norm == NormKind.Layer;
        Require(m, !isLayerNorm || m.NormGainOffset == 0, $"layer norms have no gain offset");
        Require(m, !isLayerNorm || !m.QueryKeyNorms, $"queries and keys are normalized by their root mean square only, not by layer norms");
    }

    private static void CheckAttention(ModelConfiguration m)
    {
        Require(m, m.SlidingWindow >= 0, $"sliding window {m.SlidingWindow} is negative");
        Require(m, m.FullAttentionEvery >= 0, $"full attention every {m.FullAttentionEvery} layers is negative");
        Require(m, m.FirstWindowedLayer >= 0, $"first windowed layer {m.FirstWindowedLayer} is negative");
        Require(m, m.AttentionScalar >= 0 && double.IsFinite(m.AttentionScalar), $"attention scalar {m.AttentionScalar} is not 0 or positive");
        Require(m, m.AttentionSoftCap >= 0 && float.IsFinite(m.AttentionSoftCap), $"attention soft cap {m.AttentionSoftCap} is not 0 or positive");
        Require(m, m.LogitSoftCap >= 0 && float.IsFinite(m.LogitSoftCap), $"logit soft cap {m.LogitSoftCap} is not 0 or positive");
    }

    private static void CheckRotation(ModelConfiguration m)
    {
        Require(m, m.RopeTheta > 0 && double.IsFinite(m.RopeTheta), $"rope theta {m.RopeTheta} is not positive");
        Require(m, m.LocalRopeTheta >= 0 && double.IsFinite(m.LocalRopeTheta), $"local rope theta {m.LocalRopeTheta} is not 0 or positive");
        Require(m, m.RotaryDimension >= 0, $"rotary dimension {m.RotaryDimension} is negative");
        int rotated = m.RotatedChannels;
        Require(m, rotated % 2 == 0 && rotated <= Math.Min(m.HeadDimension, RotaryEmbedding.MostChannels),
            $"{rotated} of {m.HeadDimension} channels of a head cannot be rotated: an even number up to {RotaryEmbedding.MostChannels:N0} can");
        if (m.RotaryScaling is not { } s) return;
        Require(m, Enum.IsDefined(s.Kind), $"there is no rotary scaling {s.Kind}");
        Require(m, s.Factor > 0 && double.IsFinite(s.Factor), $"rotary scaling factor {s.Factor} is not positive");
        Require(m, s.OriginalContext >= 0, $"original context {s.OriginalContext} is negative");
        Require(m, s.AttentionFactor is null || (s.AttentionFactor > 0 && double.IsFinite(s.AttentionFactor.Value)), $"attention factor {s.AttentionFactor} is not positive");
        switch (s.Kind)
        {
            case RotaryScalingKind.Ntk:
                Require(m, rotated > 2, $"NTK scaling needs more than one rotated pair");
                Require(m, s.Factor >= 1, $"NTK scaling factor {s.Factor} is less than 1");
                break;
            case RotaryScalingKind.Yarn:
                Require(m, m.RopeTheta > 1, $"YaRN needs a rope theta above 1, not {m.RopeTheta}");
                Require(m, s.BetaSlow > 0 && s.BetaFast >= s.BetaSlow && double.IsFinite(s.BetaFast), $"YaRN's betas {s.BetaFast} and {s.BetaSlow} are not fast above slow above 0");
                break;
            case RotaryScalingKind.Llama3:
                Require(m, s.LowFrequencyFactor > 0 && s.HighFrequencyFactor > s.LowFrequencyFactor && double.IsFinite(s.HighFrequencyFactor),
                    $"frequency factors {s.LowFrequencyFactor} and {s.HighFrequencyFactor} are not low below high");
                break;
            case RotaryScalingKind.LongRope:
                CheckFactors(m, s.ShortFactors, "short");
                CheckFactors(m, s.LongFactors, "long");
                Require(m, (s.OriginalContext > 0 ? s.OriginalContext : m.Context) > 1, $"LongRope needs an original context of more than one token");
                break;
            default:
                break;
        }
    }

    private static void CheckFactors(ModelConfiguration m, IReadOnlyList<double> factors, string which)
    {
        Require(m, factors.Count == m.RotatedChannels / 2, $"{factors.Count} {which} factors do not fit {m.RotatedChannels / 2} rotated pairs");
        Require(m, factors.All(static f => f > 0 && double.IsFinite(f)), $"a {which} factor is not positive");
    }

    private static void CheckExperts(ModelConfiguration m)
    {
        Require(m, m.Experts is > 0 and <= RouteTokens.MostExperts, $"{m.Experts} experts is not between 0 and {RouteTokens.MostExperts:N0}");
        Require(m, m.ExpertsPerToken > 0 && m.ExpertsPerToken <= m.Experts, $"a token cannot go through {m.ExpertsPerToken} of {m.Experts} experts");
        Require(m, m.ExpertHiddenWidth is > 0 and <= 1 << 22, $"hidden width {m.ExpertHiddenWidth} of experts is not between 1 and 4,194,304");
        Require(m, m.SharedExpertHiddenWidth is >= 0 and <= 1 << 22, $"hidden width {m.SharedExpertHiddenWidth} of the shared expert is not between 0 and 4,194,304");
        Require(m, m.GatedMlp, $"experts without a gate product are not known");
        Require(m, !m.MlpBiases, $"experts with biases are not known");
    }

    // The last check, because shapes follow from what the others bound.
    private static void CheckShapes(ModelConfiguration m)
    {
        try
        {
            _ = m.Parameters;
        }
        catch (OverflowException)
        {
            throw new InvalidInputException($"model {m.Name}: its parameters cannot be counted in 63 bits");
        }
    }

    private static void Require(ModelConfiguration model, bool condition, FormattableString complaint) =>
        InvalidInputException.Require(condition, $"model {model.Name}: {complaint}");
}
