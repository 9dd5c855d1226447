using Ration.Tensors;

namespace Ration.Files;

/// <summary>The <c>config.json</c> of a <c>LlamaForCausalLM</c> folder, under the format's own defaults.</summary>
public sealed record HuggingFaceLlamaConfig
{
    /// <summary>Width of the residual stream (<c>hidden_size</c>).</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the gated feed-forward layer (<c>intermediate_size</c>).</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Decoder layers (<c>num_hidden_layers</c>).</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads (<c>num_attention_heads</c>).</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads, a divisor of <see cref="Heads"/> (<c>num_key_value_heads</c>).</summary>
    public required int KvHeads { get; init; }

    /// <summary>Width of a head, even (<c>head_dim</c>).</summary>
    public required int HeadDimension { get; init; }

    /// <summary>Rows of the embedding (<c>vocab_size</c>).</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The longest context in tokens (<c>max_position_embeddings</c>).</summary>
    public int MaxPositions { get; init; } = 2048;

    /// <summary>Base of the rotary angles (<c>rope_theta</c>).</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>Added to the mean square in RMSNorm (<c>rms_norm_eps</c>).</summary>
    public double RmsNormEpsilon { get; init; } = 1e-6;

    /// <summary>Whether the output head is the embedding (<c>tie_word_embeddings</c>).</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>The element type of the weights: F32, BF16 or F16 (<c>torch_dtype</c>).</summary>
    public DType TorchDtype { get; init; } = DType.F32;

    /// <summary>The tokenizer built into Ration that the model was trained with (<c>ration.tokenizer</c>), or null for one described by
    /// other files.</summary>
    public string? Tokenizer { get; init; }
}
