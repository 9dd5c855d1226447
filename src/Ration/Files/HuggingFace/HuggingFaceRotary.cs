using Ration.Models;

namespace Ration.Files.HuggingFace;

/// <summary>The rotary embedding of a <c>config.json</c>: <c>rope_theta</c>, <c>rope_scaling</c> and, in newer files, <c>rope_parameters</c>.</summary>
/// <param name="Theta">The frequency base.</param>
/// <param name="LocalTheta">The base in layers with a window; 0 where it is the same.</param>
/// <param name="Dimension">Rotated channels of a head; 0 for all.</param>
/// <param name="Scaling">How frequencies are stretched, or null.</param>
internal sealed record HuggingFaceRotary(double Theta, double LocalTheta, int Dimension, RotaryScaling? Scaling)
{
    private const double Smallest = 1e-6, Largest = 1e15;
    private const int ContextLimit = 1 << 30;

    /// <summary>Reads it.</summary>
    /// <exception cref="FileFormatException">A number is out of range, or the type is not known.</exception>
    public static HuggingFaceRotary Read(ConfigObject config, HuggingFaceFamily family, int headDimension, int context)
    {
        ConfigObject? parameters = config.Object("rope_parameters"), scaling = config.Object("rope_scaling");
        double localTheta = 0;
        if (family.Family == ModelFamily.Gemma3)
        {
            localTheta = config.Real("rope_local_base_freq", Smallest, Largest, 10_000);
            if (parameters?.Object("sliding_attention") is { } local)
            {
                localTheta = local.Real("rope_theta", Smallest, Largest, localTheta);
                if (TypeOf(local) != "default") throw local.Fault("rope_parameters.sliding_attention is scaled", "only layers without a window may be");
            }

            parameters = parameters?.Object("full_attention") ?? parameters;
        }

        double theta = config.Real("rope_theta", Smallest, Largest, family.RopeTheta);
        if (parameters is not null) theta = parameters.Real("rope_theta", Smallest, Largest, theta);
        double part = config.Real("partial_rotary_factor", 0, 1, 1);
        if (parameters is not null) part = parameters.Real("partial_rotary_factor", 0, 1, part);
        int dimension = (int)(headDimension * part);
        if (dimension < 2 || dimension % 2 != 0) throw config.Fault($"partial_rotary_factor rotates {dimension} of {headDimension} channels of a head", "an even number is needed");
        RotaryScaling? stretched = (scaling ?? parameters) is { } source ? Scale(source, config, family, context, dimension) : null;
        return new HuggingFaceRotary(theta, localTheta, dimension == headDimension ? 0 : dimension, stretched);
    }

    private static string TypeOf(ConfigObject config) => config.Text("rope_type") ?? config.Text("type") ?? "default";

    private static RotaryScaling? Scale(ConfigObject source, ConfigObject config, HuggingFaceFamily family, int context, int dimension)
    {
        string type = TypeOf(source);
        // Phi-3's first files call its own scaling by these names.
        if (family.Family == ModelFamily.Phi3 && type is "su" or "yarn") type = "longrope";
        switch (type)
        {
            case "default":
                return null;
            case "linear":
                return new RotaryScaling { Kind = RotaryScalingKind.Linear, Factor = Factor(source, null), OriginalContext = Original(source, context) };
            case "dynamic":
                return new RotaryScaling { Kind = RotaryScalingKind.Ntk, Factor = Factor(source, null), OriginalContext = Original(source, context) };
            case "llama3":
                return Llama3(source);
            case "yarn":
                return Yarn(source, context);
            case "longrope":
                return LongRope(source, config, context, dimension);
            default:
                throw source.Fault($"rotary positions of type {InvalidInputException.Quote(type)} are asked for", "default, linear, dynamic, yarn, llama3 and longrope are supported");
        }
    }

    private static double Factor(ConfigObject source, double? fallback) => source.Real("factor", 1, 1e6, fallback);

    private static int Original(ConfigObject source, int fallback) => source.Integer("original_max_position_embeddings", 1, ContextLimit, fallback);

    private static RotaryScaling Llama3(ConfigObject source)
    {
        RotaryScaling scaling = new()
        {
            Kind = RotaryScalingKind.Llama3,
            Factor = Factor(source, null),
            OriginalContext = source.Integer("original_max_position_embeddings", 1, ContextLimit),
            LowFrequencyFactor = source.Real("low_freq_factor", 1e-6, 1e6),
            HighFrequencyFactor = source.Real("high_freq_factor", 1e-6, 1e6),
        };
        return scaling.HighFrequencyFactor > scaling.LowFrequencyFactor ? scaling : throw source.Fault("high_freq_factor is not above low_freq_factor", "make it so");
    }

    private static RotaryScaling Yarn(ConfigObject source, int context)
    {
        int original = Original(source, context);
        double factor = Factor(source, Math.Max(1, (double)context / original));
        double? attention = source.OptionalReal("attention_factor", 1e-6, 1e6, null);
        if (source.OptionalReal("mscale", 0, 1e6, null) is > 0 and var scale && source.OptionalReal("mscale_all_dim", 0, 1e6, null) is > 0 and var all)
            attention ??= Sharpening(factor, scale) / Sharpening(factor, all);
        source.Require("truncate", true, "only bounds at whole channels are supported");
        RotaryScaling scaling = new()
        {
            Kind = RotaryScalingKind.Yarn,
            Factor = factor,
            OriginalContext = original,
            AttentionFactor = attention,
            BetaFast = source.Real("beta_fast", 1e-6, 1e9, 32),
            BetaSlow = source.Real("beta_slow", 1e-6, 1e9, 1),
        };
        return scaling.BetaFast >= scaling.BetaSlow ? scaling : throw source.Fault("beta_fast is below beta_slow", "make it larger");
    }

    // Peng et al. 2023, equation 22, with DeepSeek's weight.
    private static double Sharpening(double factor, double weight) => factor <= 1 ? 1 : (0.1 * weight * Math.Log(factor)) + 1;

    private static RotaryScaling LongRope(ConfigObject source, ConfigObject config, int context, int dimension)
    {
        int fallback = config.Integer("original_max_position_embeddings", 1, ContextLimit, Math.Min(context, 4096));
        int original = Original(source, fallback);
        return new RotaryScaling
        {
            Kind = RotaryScalingKind.LongRope,
            Factor = Factor(source, Math.Max(1, (double)context / original)),
            OriginalContext = original,
            AttentionFactor = source.OptionalReal("attention_factor", 1e-6, 1e6, null),
            ShortFactors = Factors("short_factor"),
            LongFactors = Factors("long_factor"),
        };

        double[] Factors(string key)
        {
            double[] factors = source.Reals(key) ?? throw source.Fault($"{key} is missing", "add it");
            if (factors.Length != dimension / 2) throw source.Fault($"{key} has {factors.Length} numbers", $"give {dimension / 2}, one for each frequency");
            return factors.All(static f => f is >= 1e-6 and <= 1e9) ? factors : throw source.Fault($"{key} holds a number that is not between 1e-6 and 1e9", "mend it");
        }
    }
}
