using Ration.Models;
using Ration.Tensors;

namespace Ration.Files.HuggingFace;

/// <summary>What a <c>config.json</c> says.</summary>
public sealed record HuggingFaceConfig
{
    /// <summary>The model, under the conventions of Hugging Face files: halves of a head are rotated, Gemma's gains are stored less one.</summary>
    public required ModelConfiguration Model { get; init; }

    /// <summary>The element type of the weights: F32, BF16 or F16 (<c>torch_dtype</c>). A hint: each tensor says its own.</summary>
    public DType ElementType { get; init; } = DType.F32;

    /// <summary>How bitsandbytes quantized the matrices of layers (<c>quantization_config</c>): NF4 or FP4, or one of them with scales that are quantized in turn; null for
    /// not at all.</summary>
    public DType? Quantization { get; init; }

    /// <summary>The tokenizer built into Ration that the model was trained with (<c>ration.tokenizer</c>), or null for one described by other files.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>The token before a text (<c>bos_token_id</c>), or null.</summary>
    public int? BeginningId { get; init; }

    /// <summary>The tokens that end a text (<c>eos_token_id</c>).</summary>
    public IReadOnlyList<int> EndIds { get; init; } = [];

    /// <summary>Keys of the file that are not known, by their names; they are passed over.</summary>
    public IReadOnlyList<string> UnknownKeys { get; init; } = [];
}
