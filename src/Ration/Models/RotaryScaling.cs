namespace Ration.Models;

/// <summary>How rotary frequencies were changed for contexts longer than those of pre-training.</summary>
public enum RotaryScalingKind
{
    /// <summary>All positions are divided by the factor (Chen et al. 2023).</summary>
    Linear,

    /// <summary>The base grows with the context (NTK-aware, "dynamic" in Hugging Face files).</summary>
    Ntk,

    /// <summary>Low frequencies are divided, high ones kept, attention sharpened (Peng et al. 2023).</summary>
    Yarn,

    /// <summary>Llama 3.1: low frequencies are divided, high ones kept, those between blended.</summary>
    Llama3,

    /// <summary>A factor for each frequency, one list for short and one for long contexts (Ding et al. 2024).</summary>
    LongRope,
}

/// <summary>Numbers of a rotary scaling; those that a kind does not know are ignored.</summary>
public sealed record RotaryScaling
{
    /// <summary>Which formula.</summary>
    public required RotaryScalingKind Kind { get; init; }

    /// <summary>How many times longer the context became.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>Tokens of context in pre-training.</summary>
    public int OriginalContext { get; init; }

    /// <summary>Llama 3: wavelengths above the original context divided by this are divided by the factor.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama 3: wavelengths below the original context divided by this are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>YaRN: rotations over the original context above which a frequency is kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>YaRN: rotations over the original context below which a frequency is divided.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>YaRN and LongRope: factor on rotated queries and keys; null for the formula's own.</summary>
    public double? AttentionFactor { get; init; }

    /// <summary>LongRope: divisor of each frequency in contexts up to the original one.</summary>
    public IReadOnlyList<double> ShortFactors { get; init; } = [];

    /// <summary>LongRope: divisor of each frequency in longer contexts.</summary>
    public IReadOnlyList<double> LongFactors { get; init; } = [];
}
