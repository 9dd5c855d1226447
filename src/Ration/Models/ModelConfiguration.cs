using Ration.Graphs.Ops;

namespace Ration.Models;

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
    public long Parameters => TransformerModel.ParameterShapes(this).Sum(static p => p.Shape.Elements);

    /// <summary>Channels of a head that are rotated.</summary>
    public int RotatedChannels => Positions != PositionKind.Rotary ? 0 : RotaryDimension > 0 ? RotaryDimension : HeadDimension;

    /// <summary>The most keys that a token of a layer sees, up to its own; 0 for all.</summary>
    /// <param name="layer">Number of the layer, from 0.</param>
    public int WindowOf(int layer)
    {
        bool isFull = layer < FirstWindowedLayer || (FullAttentionEvery > 0 && (layer + 1) % FullAttentionEvery == 0);
        return isFull ? 0 : SlidingWindow;
    }

    /// <summary>The model as meant for texts of at least so many tokens, as it is once it was trained on such; where its context is part of a formula, or
    /// the size of a table, as it was.</summary>
    /// <param name="tokens">Tokens of a text.</param>
    public ModelConfiguration MeantFor(int tokens)
    {
        bool isFree = Positions == PositionKind.Rotary && RotaryScaling is null or { Kind: RotaryScalingKind.Linear }
            or { OriginalContext: > 0, Kind: RotaryScalingKind.Ntk or RotaryScalingKind.Yarn or RotaryScalingKind.Llama3 };
        return isFree && tokens > Context ? this with { Context = tokens } : this;
    }

    /// <summary>Checks that the numbers fit each other.</summary>
    /// <exception cref="InvalidInputException">They do not; the message says which.</exception>
    public void Validate() => ModelValidation.Check(this);
}
