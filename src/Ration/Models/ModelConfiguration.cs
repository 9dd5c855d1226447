using Ration.Graphs.Ops;

namespace Ration.Models;

/// <summary>A family of published models: which names and conventions its files have. The arithmetic follows from the other numbers alone.</summary>
public enum ModelFamily
{
    /// <summary>Llama 1 to 3 and what shares its files: SmolLM, TinyLlama, DeepSeek's dense models.</summary>
    Llama,

    /// <summary>Mistral.</summary>
    Mistral,

    /// <summary>Mixtral: Mistral with routed experts.</summary>
    Mixtral,

    /// <summary>Qwen 2 and 2.5.</summary>
    Qwen2,

    /// <summary>Qwen 1.5 and 2 with routed and shared experts.</summary>
    Qwen2Moe,

    /// <summary>Qwen 3.</summary>
    Qwen3,

    /// <summary>Qwen 3 with routed experts.</summary>
    Qwen3Moe,

    /// <summary>Gemma 1.</summary>
    Gemma,

    /// <summary>Gemma 2.</summary>
    Gemma2,

    /// <summary>Gemma 3, its text model.</summary>
    Gemma3,

    /// <summary>Phi-3 and 3.5, and Phi-4.</summary>
    Phi3,

    /// <summary>GPT-2.</summary>
    Gpt2,
}

/// <summary>How activations are normalized.</summary>
public enum NormKind
{
    /// <summary>Divided by the root of their mean square.</summary>
    RootMeanSquare,

    /// <summary>Brought to mean 0 and variance 1, then shifted by a bias.</summary>
    Layer,
}

/// <summary>The function inside an MLP.</summary>
public enum MlpActivation
{
    /// <summary>x · σ(x).</summary>
    Silu,

    /// <summary>GELU by its tanh approximation.</summary>
    GeluTanh,

    /// <summary>GELU, exact.</summary>
    Gelu,
}

/// <summary>How a token's place enters the model.</summary>
public enum PositionKind
{
    /// <summary>Queries and keys are rotated.</summary>
    Rotary,

    /// <summary>A learned vector for each place is added to the embedding.</summary>
    Learned,
}

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

/// <summary>The shape and constants of a decoder-only transformer.</summary>
public sealed record ModelConfiguration
{
    /// <summary>A short name for people.</summary>
    public required string Name { get; init; }

    /// <summary>Token ids, 0 … this − 1.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Channels of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>Channels inside an MLP.</summary>
    public required int HiddenWidth { get; init; }

    /// <summary>Transformer blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Channels of a head.</summary>
    public required int HeadDimension { get; init; }

    /// <summary>Tokens of context the model is meant for.</summary>
    public int Context { get; init; } = 2048;

    /// <summary>Frequency base of the rotary embedding.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>Which channels of a head form rotated pairs.</summary>
    public RotaryPairing RotaryPairing { get; init; } = RotaryPairing.Halves;

    /// <summary>Added to mean squares in norms.</summary>
    public float NormEpsilon { get; init; } = 1e-5f;

    /// <summary>Whether the head is the embedding table.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>If not 0, a token sees at most this many tokens up to itself, in the layers that <see cref="FullAttentionEvery"/> leaves.</summary>
    public int SlidingWindow { get; init; }

    /// <summary>If not 0, layer i has no window where i + 1 is a multiple of this (Gemma 2: 2, Gemma 3: 6).</summary>
    public int FullAttentionEvery { get; init; }

    /// <summary>Layers before this one have no window (Qwen 2's <c>max_window_layers</c>).</summary>
    public int FirstWindowedLayer { get; init; }

    /// <summary>Whose files it came from.</summary>
    public ModelFamily Family { get; init; }

    /// <summary>How activations are normalized.</summary>
    public NormKind Norm { get; init; }

    /// <summary>Added to stored norm gains: 1 for Gemma's Hugging Face files, which keep gains less one.</summary>
    public float NormGainOffset { get; init; }

    /// <summary>Whether what attention and MLP add to the residual stream is normalized first (Gemma 2 and 3).</summary>
    public bool PostNorms { get; init; }

    /// <summary>Whether each query and key head is normalized before it is rotated (Qwen 3, Gemma 3).</summary>
    public bool QueryKeyNorms { get; init; }

    /// <summary>Whether queries, keys and values have biases.</summary>
    public bool QueryKeyValueBiases { get; init; }

    /// <summary>Whether attention's output has a bias.</summary>
    public bool AttentionOutputBias { get; init; }

    /// <summary>Whether the MLP's products have biases.</summary>
    public bool MlpBiases { get; init; }

    /// <summary>Whether the MLP multiplies its activation by a second product (SwiGLU, GeGLU).</summary>
    public bool GatedMlp { get; init; } = true;

    /// <summary>The function inside an MLP.</summary>
    public MlpActivation Activation { get; init; }

    /// <summary>Factor on embeddings (Gemma: √width).</summary>
    public float EmbeddingScale { get; init; } = 1;

    /// <summary>If not 0, scores are divided by the root of this instead of the head dimension (Gemma's <c>query_pre_attn_scalar</c>).</summary>
    public double AttentionScalar { get; init; }

    /// <summary>If not 0, attention scores s become cap · tanh(s / cap).</summary>
    public float AttentionSoftCap { get; init; }

    /// <summary>If not 0, logits z become cap · tanh(z / cap).</summary>
    public float LogitSoftCap { get; init; }

    /// <summary>How a token's place enters the model.</summary>
    public PositionKind Positions { get; init; }

    /// <summary>Channels of a head that are rotated, the first ones; 0 for all.</summary>
    public int RotaryDimension { get; init; }

    /// <summary>If not 0, the frequency base in layers with a window, which are then never scaled (Gemma 3).</summary>
    public double LocalRopeTheta { get; init; }

    /// <summary>How rotary frequencies were stretched; null if not.</summary>
    public RotaryScaling? RotaryScaling { get; init; }

    /// <summary>Routed experts of an MLP; 0 for none.</summary>
    public int Experts { get; init; }

    /// <summary>Experts that a token goes through.</summary>
    public int ExpertsPerToken { get; init; }

    /// <summary>Channels inside a routed expert.</summary>
    public int ExpertHiddenWidth { get; init; }

    /// <summary>Channels inside the expert that every token goes through, scaled by a gate of its own (Qwen 2 MoE); 0 for none.</summary>
    public int SharedExpertHiddenWidth { get; init; }

    /// <summary>Whether the weights of the chosen experts are made to add up to 1.</summary>
    public bool NormalizeExpertWeights { get; init; }

    /// <summary>Number of parameters.</summary>
    public long Parameters => LlamaModel.ParameterShapes(this).Sum(static p => p.Shape.Elements);

    /// <summary>Checks that the numbers fit each other.</summary>
    /// <exception cref="InvalidInputException">They do not; the message says which.</exception>
    public void Validate()
    {
        Require(Vocabulary is > 0 and <= 4_000_000, $"vocabulary {Vocabulary} is not between 1 and 4,000,000");
        Require(Width is > 0 and <= 1 << 20, $"width {Width} is not between 1 and 1,048,576");
        Require(HiddenWidth is > 0 and <= 1 << 22, $"hidden width {HiddenWidth} is not between 1 and 4,194,304");
        Require(Layers is > 0 and <= 10_000, $"{Layers} layers is not between 1 and 10,000");
        Require(KvHeads > 0 && Heads > 0 && Heads <= 65_536 && Heads % KvHeads == 0, $"{Heads} heads cannot share {KvHeads} key-value heads");
        Require(HeadDimension is > 0 and <= 65_536 && HeadDimension % 2 == 0, $"head dimension {HeadDimension} is not an even number between 2 and 65,536");
        Require(Context > 0, $"context {Context} is not positive");
        Require(RopeTheta > 0 && double.IsFinite(RopeTheta), $"rope theta {RopeTheta} is not positive");
        Require(NormEpsilon is > 0 and < 1, $"norm epsilon {NormEpsilon} is not between 0 and 1");
        Require(SlidingWindow >= 0, $"sliding window {SlidingWindow} is negative");
    }

    private void Require(bool condition, string complaint)
    {
        if (!condition) throw new InvalidInputException($"model {Name}: {complaint}");
    }
}
