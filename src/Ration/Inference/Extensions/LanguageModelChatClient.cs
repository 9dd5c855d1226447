using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Inference.Extensions;

/// <summary>See <see cref="LanguageModelExtensions.AsChatClient"/>.</summary>
internal sealed class LanguageModelChatClient(LanguageModel model) : IChatClient
{
    /// <summary>By what name programs tell providers apart.</summary>
    public const string Provider = "ration";

    private static long s_responses;
    private readonly ChatClientMetadata _metadata = new(Provider, defaultModelId: model.Configuration.Name);

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        TextGeneration generation = Start(messages, options);
        await foreach (TextPiece _ in generation.ReadAsync(cancellationToken).ConfigureAwait(false)) { }
        GeneratedText result = generation.Result;
        string id = NextId();
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, result.Text) { MessageId = id })
        {
            ResponseId = id,
            ModelId = model.Configuration.Name,
            CreatedAt = DateTimeOffset.UtcNow,
            FinishReason = Reason(result),
            Usage = Usage(result),
            RawRepresentation = result,
        };
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        TextGeneration generation = Start(messages, options);
        string id = NextId();
        await foreach (TextPiece piece in generation.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (piece.Text.Length == 0 && piece.Result is null) continue;
            ChatResponseUpdate update = new(ChatRole.Assistant, piece.Text)
            {
                ResponseId = id,
                MessageId = id,
                ModelId = model.Configuration.Name,
                CreatedAt = DateTimeOffset.UtcNow,
                RawRepresentation = piece,
            };
            if (piece.Result is { } result)
            {
                update.FinishReason = Reason(result);
                update.Contents.Add(new UsageContent(Usage(result)));
            }

            yield return update;
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(ChatClientMetadata)) return _metadata;
        if (serviceType == typeof(LanguageModel)) return model;
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private TextGeneration Start(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        ArgumentNullException.ThrowIfNull(messages);
        TextGenerationOptions asked = Conversation.ForAnswer(model.Text, ChatRequest.Options(this, options));
        List<ChatTemplateMessage> conversation = ChatRequest.Messages(messages, options);
        return new TextGeneration(model, Conversation.Encode(model.Text, conversation), asked, Conversation.TurnOf(conversation));
    }

    private static string NextId() => string.Create(CultureInfo.InvariantCulture, $"ration-{Interlocked.Increment(ref s_responses)}");

    private static ChatFinishReason Reason(GeneratedText result) =>
        result.Finish is FinishReason.MaxTokens or FinishReason.ContextFull ? ChatFinishReason.Length : ChatFinishReason.Stop;

    private static UsageDetails Usage(GeneratedText result) => new()
    {
        InputTokenCount = result.PromptTokens,
        CachedInputTokenCount = result.CachedTokens,
        OutputTokenCount = result.Tokens.Count,
        TotalTokenCount = result.PromptTokens + result.Tokens.Count,
    };
}
