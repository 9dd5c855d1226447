using Microsoft.Extensions.AI;
using Ration.Inference.Extensions;

namespace Ration.Inference;

/// <summary>A model behind the interfaces of Microsoft.Extensions.AI.</summary>
public static class LanguageModelExtensions
{
    /// <summary>
    /// The model as a chat client. It may be used by many threads: answers are computed one after another, in the order in which they are
    /// asked for. Disposing it leaves the model as it is.
    /// <para>
    /// Honoured of <see cref="ChatOptions"/>: Instructions (as a message of the system before all others), Temperature, TopP, TopK,
    /// MaxOutputTokens, StopSequences, Seed, FrequencyPenalty, PresencePenalty, and a <see cref="TextGenerationOptions"/> from
    /// RawRepresentationFactory, which those above change. Refused with <see cref="NotSupportedException"/>, as leaving them out would give
    /// another answer than the one asked for: Tools (unless ToolMode is None), a ResponseFormat other than text, ConversationId,
    /// ContinuationToken, and contents of messages other than text. Ignored, as they are hints: all others.
    /// </para>
    /// </summary>
    public static IChatClient AsChatClient(this LanguageModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new LanguageModelChatClient(model);
    }

    /// <summary>
    /// The model as a generator of embeddings: the normalized hidden states that its head reads, pooled, of length 1. It may be used by many
    /// threads. Disposing it leaves the model as it is.
    /// </summary>
    public static IEmbeddingGenerator<string, Embedding<float>> AsEmbeddingGenerator(this LanguageModel model, EmbeddingPooling pooling = EmbeddingPooling.Mean)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new LanguageModelEmbeddingGenerator(model, pooling);
    }
}
