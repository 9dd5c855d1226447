using Ration.Memory;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Inference;

/// <summary>What may change where memory is short.</summary>
public enum GenerationQuality
{
    /// <summary>Weights stay as they are; keys and values in F32 or F16.</summary>
    Exact,

    /// <summary>Weights in 8 bits at the least, keys and values too.</summary>
    High,

    /// <summary>Weights in 4 bits at the least, keys and values in 8.</summary>
    Any,
}

/// <summary>What is to be generated, and within what.</summary>
public sealed record GenerationOptions
{
    /// <summary>The model.</summary>
    public required ModelConfiguration Model { get; init; }

    /// <summary>Texts at once.</summary>
    public int Rows { get; init; } = 1;

    /// <summary>Tokens of the longest prompt; 0 if not known, as in a chat.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Tokens to generate after it.</summary>
    public int MaxTokens { get; init; } = 200;

    /// <summary>
    /// Tokens of a text for which there should be room, as for the turns of a chat; shortened down to prompt and generated tokens where
    /// memory is short. Null for no more than those.
    /// </summary>
    public int? Context { get; init; }

    /// <summary>Storage of keys and values that must be kept to; null to choose.</summary>
    public DType? CacheType { get; init; }

    /// <summary>How a weight is stored in the model's files, by its name and shape; null for F32.</summary>
    public Func<string, Shape, DType>? StoredType { get; init; }

    /// <summary>Storage that matrices must have where their rows are whole blocks; null to keep what is stored unless memory is short.</summary>
    public DType? WeightType { get; init; }

    /// <summary>Tokens of a prompt at once that must be kept to; null to choose.</summary>
    public int? Chunk { get; init; }

    /// <summary>The most bytes that the process may have resident; null for four fifths of what the machine has free.</summary>
    public ByteSize? Memory { get; init; }

    /// <summary>Whether matrices must stay as they are stored, so that no other quality is advised; goes with <see cref="GenerationQuality.Exact"/>.</summary>
    public bool KeepsWeights { get; init; }

    /// <summary>What may change where memory is short.</summary>
    public GenerationQuality Quality { get; init; } = GenerationQuality.High;

    /// <summary>Cores that a tool is to give the device; 0 for all. Plans go by the threads of their device.</summary>
    public int Threads { get; init; }

    /// <summary>Tokens of a text for which there must be room.</summary>
    public int LeastContext => PromptTokens + MaxTokens;

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="InvalidInputException">One of them cannot be used; the message says which and what would do.</exception>
    public void Validate()
    {
        Model.Validate();
        InvalidInputException.Require(Rows is > 0 and <= 4096, $"{Rows} texts at once: give 1 to 4096");
        InvalidInputException.Require(PromptTokens >= 0, $"a prompt of {PromptTokens} tokens");
        InvalidInputException.Require(MaxTokens is > 0 and <= 1 << 24, $"--max-tokens {MaxTokens}: give 1 to 16,777,216");
        InvalidInputException.Require((long)PromptTokens + MaxTokens < 1 << 24, $"--max-tokens {MaxTokens} after a prompt of {PromptTokens}: together at most 16,777,215");
        InvalidInputException.Require(Context is null or (> 0 and < 1 << 24), $"--context {Context}: give 1 to 16,777,215");
        InvalidInputException.Require(Context is null || Context >= LeastContext,
            $"--context {Context} has no room for a prompt of {PromptTokens} token{(PromptTokens == 1 ? "" : "s")} and --max-tokens {MaxTokens}: give at least {LeastContext}");
        bool bounded = Model.Positions == PositionKind.Learned;
        int asked = Math.Max(LeastContext, Context ?? 0);
        InvalidInputException.Require(!bounded || asked <= Model.Context, $"{Model.Name} has places for {Model.Context} tokens, and {asked} are asked for: give {FewerTokens}");
        InvalidInputException.Require(Chunk is null or (> 0 and <= 8192), $"--chunk {Chunk}: give 1 to 8192");
        InvalidInputException.Require(Threads is >= 0 and <= 1024, $"--threads {Threads}: give 1 to 1024, or 0 for all cores");
        InvalidInputException.Require(CacheType is null or DType.F32 or DType.F16 or DType.BF16 or DType.Q8_0, $"--cache {CacheType}: give f32, f16, bf16 or q8_0");
        InvalidInputException.Require(CacheType is not { } cache || CanCache(cache),
            $"--cache {CacheType}: heads of {Model.HeadDimension} channels are no whole blocks of {CacheType?.BlockElements()}; give f16");
    }

    /// <summary>By what one asks for fewer tokens.</summary>
    internal string FewerTokens => PromptTokens > 0 ? "a smaller --context, or a shorter prompt and fewer --max-tokens" : "a smaller --context";

    /// <summary>Whether heads are whole blocks of a type.</summary>
    internal bool CanCache(DType type) => Model.HeadDimension % type.BlockElements() == 0;
}
