using System.Runtime.InteropServices;
using Ration.Files.Gguf;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Files.GgufModels;

/// <summary>The rotary embedding of a GGUF model: keys <c>rope.…</c>, and tensors with a divisor for each frequency.</summary>
internal sealed class GgufRotary(GgufMetadata metadata, GgufKeys keys, ITensorSource tensors)
{
    /// <summary>Divisors of Llama 3's scaling.</summary>
    public const string Divisors = "rope_freqs.weight";

    /// <summary>LongRope's divisors for texts up to the original context.</summary>
    public const string ShortDivisors = "rope_factors_short.weight";

    /// <summary>LongRope's divisors for longer texts.</summary>
    public const string LongDivisors = "rope_factors_long.weight";

    private const int ContextLimit = 1 << 30;

    /// <summary>The model with its frequencies.</summary>
    /// <exception cref="FileFormatException">A number is out of range, or two scalings exclude each other.</exception>
    public ModelConfiguration Apply(ModelConfiguration model)
    {
        int rotated = keys.Integer("rope.dimension_count", 1, model.HeadDimension, model.HeadDimension);
        double theta = Positive("freq_base", 10_000);
        model = model with
        {
            RopeTheta = theta,
            RotaryDimension = rotated == model.HeadDimension ? 0 : rotated,
            LocalRopeTheta = model.Family == ModelFamily.Gemma3 ? Positive("freq_base_swa", 10_000) : 0,
        };
        return model with { RotaryScaling = Scaling(model, rotated / 2) };
    }

    /// <summary>The divisors of Llama 3's scaling: frequency i is divided by number i.</summary>
    public static float[] DivisorsOf(ModelConfiguration model, RotaryScaling scaling)
    {
        int channels = model.RotaryDimension == 0 ? model.HeadDimension : model.RotaryDimension;
        float[] divisors = new float[channels / 2];
        for (int i = 0; i < divisors.Length; i++)
        {
            double wavelength = 2 * Math.PI * Math.Pow(model.RopeTheta, 2.0 * i / channels);
            double kept = ((scaling.OriginalContext / wavelength) - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
            kept = Math.Clamp(kept, 0, 1);
            divisors[i] = (float)(1 / (((1 - kept) / scaling.Factor) + kept));
        }

        return divisors;
    }

    /// <summary>LongRope's own attention factor (see <see cref="RotaryFormulas"/>).</summary>
    public static double SharpeningOf(int context, int original)
    {
        double stretch = (double)context / original;
        return stretch <= 1 || original <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(stretch) / Math.Log(original)));
    }

    /// <summary>YaRN's own attention factor (see <see cref="RotaryFormulas"/>).</summary>
    public static double YarnSharpeningOf(double factor) => factor <= 1 ? 1 : (0.1 * Math.Log(factor)) + 1;

    private RotaryScaling? Scaling(ModelConfiguration model, int frequencies)
    {
        int original = keys.Integer("rope.scaling.original_context_length", 1, ContextLimit, model.Context);
        double attention = Attention(model);
        double[]? shorts = Read(ShortDivisors, frequencies), longs = Read(LongDivisors, frequencies), all = Read(Divisors, frequencies);
        if ((shorts is null) != (longs is null)) throw Fault("it has divisors of rotary frequencies for short or for long texts alone", "download or convert the model again");
        RotaryScaling? named = Named(original, attention);
        bool hasPair = shorts is not null && longs is not null;
        if (hasPair ? named is not null || all is not null : named is not null && all is not null)
            throw Fault("its rotary frequencies are scaled in two ways", "such models are not supported");
        if (hasPair)
        {
            return new RotaryScaling
            {
                Kind = RotaryScalingKind.LongRope,
                Factor = Math.Max(1, (double)model.Context / original),
                OriginalContext = original,
                ShortFactors = shorts!,
                LongFactors = longs!,
                AttentionFactor = Math.Abs(attention - SharpeningOf(model.Context, original)) < 1e-5 ? null : attention,
            };
        }

        if (named?.Kind == RotaryScalingKind.Yarn || (all is null && attention == 1)) return named;
        if (all is not null && attention == 1 && Llama3(model, all) is { } scaling) return scaling;
        // Of all scalings this one has a factor on rotated channels whatever the frequencies are.
        double[] divisors = all ?? [.. Enumerable.Repeat(named?.Factor ?? 1, frequencies)];
        return new RotaryScaling { Kind = RotaryScalingKind.LongRope, OriginalContext = original, ShortFactors = divisors, LongFactors = divisors, AttentionFactor = attention };
    }

    // A factor on all rotated channels, whatever else scales them (llama.cpp, rope_attn_factor).
    private double Attention(ModelConfiguration model)
    {
        double factor = Positive("scaling.attn_factor", 1);
        return factor == 1 || model.LocalRopeTheta == 0 ? factor
            : throw Fault($"{keys.Name("rope.scaling.attn_factor")} is {factor}, a factor on rotated channels in layers with a window too",
                $"this is not supported for a {model.Family} model; use a model that does without it");
    }

    private RotaryScaling? Named(int original, double attention)
    {
        double factor = keys.Real("rope.scaling.factor", keys.Real("rope.scale_linear", 1));
        string type = keys.Text("rope.scaling.type") ?? "linear";
        switch (type)
        {
            case "none":
                return null;
            // To llama.cpp the factor is the same with both: it divides all frequencies, beside what tensors say.
            case "linear" or "longrope":
                return factor is 0 or 1 ? null : new RotaryScaling { Kind = RotaryScalingKind.Linear, Factor = InRange(factor), OriginalContext = original };
            case "yarn":
                return new RotaryScaling
                {
                    Kind = RotaryScalingKind.Yarn,
                    Factor = InRange(factor),
                    OriginalContext = original,
                    BetaFast = Positive("scaling.yarn_beta_fast", 32),
                    BetaSlow = Positive("scaling.yarn_beta_slow", 1),
                    // The key multiplies the formula's own.
                    AttentionFactor = attention == 1 ? null : attention * YarnSharpeningOf(factor),
                };
            default:
                throw Fault($"its rotary scaling is of type {InvalidInputException.Quote(type)}", "none, linear, yarn and longrope are supported");
        }
    }

    // Files keep the divisors, not the numbers they follow from. Published models have these.
    private RotaryScaling? Llama3(ModelConfiguration model, double[] divisors)
    {
        foreach (int original in (ReadOnlySpan<int>)[keys.Integer("rope.scaling.original_context_length", 1, ContextLimit, 8192), 8192])
        {
            RotaryScaling scaling = new() { Kind = RotaryScalingKind.Llama3, Factor = Math.Round(divisors[^1], 4), OriginalContext = original, LowFrequencyFactor = 1, HighFrequencyFactor = 4 };
            float[] expected = DivisorsOf(model, scaling);
            bool same = true;
            for (int i = 0; i < divisors.Length; i++) same &= Math.Abs(divisors[i] - expected[i]) <= 1e-5 * expected[i];
            if (same) return scaling;
        }

        return null;
    }

    private double[]? Read(string name, int count)
    {
        if (tensors.Find(name) is not { } tensor) return null;
        if (tensor.DType != DType.F32 || tensor.Shape.Elements != count) throw Fault($"{name} is {tensor.DType}{tensor.Shape}, not {DType.F32}[{count}]", "download or convert the model again");
        float[] numbers = new float[count];
        tensors.Read(tensor, 0, MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers.All(static n => n is > 1e-6f and < 1e9f) ? [.. numbers.Select(static n => (double)n)]
            : throw Fault($"{name} holds a number that is not between 1e-6 and 1e9", "download or convert the model again");
    }

    private double Positive(string name, double fallback)
    {
        double value = keys.Real($"rope.{name}", fallback);
        return value is > 1e-6 and < 1e15 ? value : throw Fault($"{keys.Name($"rope.{name}")} is {value}", "a positive number is needed; convert the model again");
    }

    private double InRange(double factor) => factor is >= 1e-6 and <= 1e6 ? factor
        : throw Fault($"{keys.Name("rope.scaling.factor")} is {factor}", "a number from 1e-6 to 1e6 is needed; convert the model again");

    private FileFormatException Fault(string what, string howToMend) => new(metadata.Path, what, howToMend);
}
