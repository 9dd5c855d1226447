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
    private const int ContextLimit = 1 << 30, Phi3OriginalContext = 4096;
    private const string OriginalKey = "original_max_position_embeddings";

    /// <summary>The context of a model: with YaRN the stretched one, which files that were edited by a model's card do not state.</summary>
    /// <param name="stated">What the file says.</param>
    public int Stretched(int stated) => Scaling is not { Kind: RotaryScalingKind.Yarn } yarn ? stated : (int)Math.Min(ContextLimit, Math.Max(stated, yarn.OriginalContext * yarn.Factor));

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

        // An object's own numbers go before the file's, as in version 5 of the library.
        double theta = config.Real("rope_theta", Smallest, Largest, family.RopeTheta), part = config.Real("partial_rotary_factor", 0, 1, 1);
        foreach (ConfigObject? own in (ReadOnlySpan<ConfigObject?>)[parameters, scaling])
        {
            theta = own?.Real("rope_theta", Smallest, Largest, theta) ?? theta;
            part = own?.Real("partial_rotary_factor", 0, 1, part) ?? part;
        }

        int dimension = (int)(headDimension * part);
        if (dimension < 2 || dimension % 2 != 0) throw config.Fault($"partial_rotary_factor rotates {dimension} of {headDimension} channels of a head", "an even number is needed");
        ConfigObject? source = scaling is not null && (parameters is null || NamesType(scaling)) ? scaling : parameters;
        RotaryScaling? stretched = source is null ? null : Scale(source, config, family, context, dimension);
        return new HuggingFaceRotary(theta, localTheta, dimension == headDimension ? 0 : dimension, stretched);
    }

    private static bool NamesType(ConfigObject config) => config.Has("rope_type") || config.Has("type");

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
                // The library reckons from max_position_embeddings, whatever else the object says.
                return new RotaryScaling { Kind = RotaryScalingKind.Ntk, Factor = Factor(source, null), OriginalContext = context };
            case "llama3":
                return Llama3(source, config);
            case "yarn":
                return Yarn(source, config, context);
            case "longrope":
                return LongRope(source, config, family.Family == ModelFamily.Phi3 ? Math.Min(context, Phi3OriginalContext) : context, context, dimension);
            default:
                throw source.Fault($"rotary positions of type {InvalidInputException.Quote(type)} are asked for", "default, linear, dynamic, yarn, llama3 and longrope are supported");
        }
    }

    private static double Factor(ConfigObject source, double? fallback) => source.Real("factor", 1, 1e6, fallback);

    private static int Original(ConfigObject source, int? fallback) => source.Integer(OriginalKey, 1, ContextLimit, fallback);

    // The file's own goes before the object's, as in version 5 of the library.
    private static int Original(ConfigObject source, ConfigObject config, int? fallback)
    {
        if (!config.Has(OriginalKey)) return Original(source, fallback);
        int original = config.Integer(OriginalKey, 1, ContextLimit);
        _ = Original(source, original);
        return original;
    }

    private static RotaryScaling Llama3(ConfigObject source, ConfigObject config)
    {
        RotaryScaling scaling = new()
        {
            Kind = RotaryScalingKind.Llama3,
            Factor = Factor(source, null),
            OriginalContext = Original(source, config, null),
            LowFrequencyFactor = source.Real("low_freq_factor", 1e-6, 1e6),
            HighFrequencyFactor = source.Real("high_freq_factor", 1e-6, 1e6),
        };
        return scaling.HighFrequencyFactor > scaling.LowFrequencyFactor ? scaling : throw source.Fault("high_freq_factor is not above low_freq_factor", "make it so");
    }

    private static RotaryScaling Yarn(ConfigObject source, ConfigObject config, int context)
    {
        int original = Original(source, config, context);
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

    private static RotaryScaling LongRope(ConfigObject source, ConfigObject config, int fallback, int context, int dimension)
    {
        int original = Original(source, config, fallback);
        double ratio = Math.Max(1, (double)context / original), factor = Factor(source, ratio);
        double? attention = source.OptionalReal("attention_factor", 1e-6, 1e6, null);
        // A stated factor, and not the ratio of the contexts, decides how attention is sharpened.
        if (factor != ratio) attention ??= factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(factor) / Math.Log(original)));
        return new RotaryScaling
        {
            Kind = RotaryScalingKind.LongRope,
            Factor = factor,
            OriginalContext = original,
            AttentionFactor = attention,
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
