using Ration.Memory;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Inference;

/// <summary>How a model is loaded. What is left out is chosen so that it fits the memory.</summary>
public sealed record LanguageModelOptions
{
    // A cache for all that newer models could see would often be larger than the model.
    private const int UsualContext = 4096;
    private const int LeastAnswer = 256;

    /// <summary>The most bytes that the process may have resident; null for four fifths of what the machine has free.</summary>
    public ByteSize? Memory { get; init; }

    /// <summary>Texts that are computed at once, by <see cref="LanguageModel.StartAll"/>; each has room in the cache for a whole text.</summary>
    public int Rows { get; init; } = 1;

    /// <summary>Cores to use; 0 for all.</summary>
    public int Threads { get; init; }

    /// <summary>Tokens of a text, prompt and answer together, for which there must be room; null for up to 4,096, fewer where the model
    /// is meant for fewer or memory is short.</summary>
    public int? Context { get; init; }

    /// <summary>Tokens of the longest prompt, where it is known beforehand; 0 if not.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Tokens to generate after that prompt, where that is known too: then there is room for these and no more, unless <see cref="Context"/>
    /// says otherwise.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Tokens of a prompt that are computed at once; null to choose.</summary>
    public int? Chunk { get; init; }

    /// <summary>Storage of keys and values: F32, F16, BF16 or Q8_0; null to choose.</summary>
    public DType? CacheType { get; init; }

    /// <summary>Storage of matrices; null for as in the files, unless memory is short.</summary>
    public DType? WeightType { get; init; }

    /// <summary>Whether matrices must stay as in the files, so that no other quality is advised; goes with <see cref="GenerationQuality.Exact"/>.</summary>
    public bool KeepsWeights { get; init; }

    /// <summary>What may change where memory is short.</summary>
    public GenerationQuality Quality { get; init; } = GenerationQuality.High;

    /// <summary>What the planner is asked.</summary>
    /// <param name="model">The model.</param>
    /// <param name="storedType">How its files store a matrix of a name and a shape; null for F32, as training would save them.</param>
    public GenerationOptions ForPlan(ModelConfiguration model, Func<string, Shape, DType>? storedType = null)
    {
        bool isAnswerKnown = Context is null && MaxTokens is not null;
        int context = Context ?? Math.Max(Math.Min(model.Context, UsualContext), PromptTokens + 1);
        int least = Context ?? (isAnswerKnown ? PromptTokens + MaxTokens!.Value : Math.Min(context, PromptTokens + LeastAnswer));
        return new GenerationOptions
        {
            Model = model,
            Rows = Rows,
            PromptTokens = PromptTokens,
            MaxTokens = least - PromptTokens,
            Context = isAnswerKnown ? null : context,
            Memory = Memory,
            Threads = Threads,
            Chunk = Chunk,
            CacheType = CacheType,
            WeightType = WeightType,
            StoredType = storedType,
            KeepsWeights = KeepsWeights,
            Quality = Quality,
        };
    }
}
