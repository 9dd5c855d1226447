using Ration.Graphs.Ops;

namespace Ration.Models;

/// <summary>
/// The rotary frequencies of a layer: pure functions of the configuration and the length of the text, in double precision, as the
/// papers and the modelling code of Hugging Face transformers (<c>modeling_rope_utils.py</c>) define them.
/// </summary>
public static class RotaryFormulas
{
    /// <summary>The frequencies of a layer.</summary>
    /// <param name="model">A valid configuration with rotary positions.</param>
    /// <param name="layer">Number of the layer, from 0.</param>
    /// <param name="context">Tokens of the longest text the frequencies are for: some scalings depend on it.</param>
    public static RotaryFrequencies Of(ModelConfiguration model, int layer, int context)
    {
        int channels = model.RotatedChannels;
        if (model.LocalRopeTheta > 0 && model.WindowOf(layer) > 0) return RotaryFrequencies.Geometric(model.LocalRopeTheta, channels);
        return model.RotaryScaling is not { } scaling ? RotaryFrequencies.Geometric(model.RopeTheta, channels) : scaling.Kind switch
        {
            RotaryScalingKind.Linear => Scaled(model.RopeTheta, channels, 1, (_, f) => f / scaling.Factor),
            RotaryScalingKind.Ntk => RotaryFrequencies.Geometric(NtkBase(model, scaling, context), channels),
            RotaryScalingKind.Yarn => Yarn(model, scaling),
            RotaryScalingKind.Llama3 => Scaled(model.RopeTheta, channels, 1, (_, f) => Llama3(f, scaling, OriginalContext(model, scaling))),
            RotaryScalingKind.LongRope => LongRope(model, scaling, context),
            _ => throw new ArgumentOutOfRangeException(nameof(model), scaling.Kind, "unknown rotary scaling"),
        };
    }

    private static int OriginalContext(ModelConfiguration model, RotaryScaling scaling) =>
        scaling.OriginalContext > 0 ? scaling.OriginalContext : model.Context;

    // The base that keeps the slowest frequency's angles at the end of a longer context as they were at the end of the original one.
    private static double NtkBase(ModelConfiguration model, RotaryScaling scaling, int context)
    {
        double original = OriginalContext(model, scaling), channels = model.RotatedChannels;
        double stretch = (scaling.Factor * Math.Max(context, original) / original) - (scaling.Factor - 1);
        return model.RopeTheta * Math.Pow(stretch, channels / (channels - 2));
    }

    // Peng et al. 2023, section 3.2 ("NTK-by-parts") and equation 22 (attention factor).
    private static RotaryFrequencies Yarn(ModelConfiguration model, RotaryScaling scaling)
    {
        int channels = model.RotatedChannels;
        double original = OriginalContext(model, scaling);
        double low = Math.Max(Math.Floor(PairThatTurns(scaling.BetaFast)), 0);
        double high = Math.Min(Math.Ceiling(PairThatTurns(scaling.BetaSlow)), channels - 1);
        if (low == high) high += 0.001;
        double factor = scaling.AttentionFactor ?? (scaling.Factor <= 1 ? 1 : (0.1 * Math.Log(scaling.Factor)) + 1);
        return Scaled(model.RopeTheta, channels, factor, (pair, f) =>
        {
            double divided = Math.Clamp((pair - low) / (high - low), 0, 1);
            return (divided * f / scaling.Factor) + ((1 - divided) * f);
        });

        double PairThatTurns(double rotations) => channels * Math.Log(original / (rotations * 2 * Math.PI)) / (2 * Math.Log(model.RopeTheta));
    }

    private static double Llama3(double frequency, RotaryScaling scaling, double original)
    {
        double wavelength = 2 * Math.PI / frequency;
        double kept = ((original / wavelength) - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
        kept = Math.Clamp(kept, 0, 1);
        return ((1 - kept) * frequency / scaling.Factor) + (kept * frequency);
    }

    // Ding et al. 2024; the attention factor √(1 + ln s / ln original) is that of Phi-3's modelling code.
    private static RotaryFrequencies LongRope(ModelConfiguration model, RotaryScaling scaling, int context)
    {
        double original = OriginalContext(model, scaling);
        double stretch = scaling.OriginalContext > 0 ? model.Context / original : scaling.Factor;
        double factor = scaling.AttentionFactor ?? (stretch <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(stretch) / Math.Log(original))));
        IReadOnlyList<double> divisors = context > original ? scaling.LongFactors : scaling.ShortFactors;
        return Scaled(model.RopeTheta, model.RotatedChannels, factor, (pair, f) => f / divisors[pair]);
    }

    private static RotaryFrequencies Scaled(double theta, int channels, double factor, Func<int, double, double> change)
    {
        float[] radians = new float[channels / 2];
        for (int i = 0; i < radians.Length; i++) radians[i] = (float)change(i, Math.Pow(theta, -2.0 * i / channels));
        return new RotaryFrequencies(radians, (float)factor);
    }
}
