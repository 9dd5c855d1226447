using System.Text;
using Microsoft.Extensions.AI;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Inference.Extensions;

/// <summary>Messages and options of a chat client in the library's terms.</summary>
internal static class ChatRequest
{
    /// <summary>The conversation as templates see it.</summary>
    /// <exception cref="NotSupportedException">A message holds something other than text.</exception>
    public static List<ChatTemplateMessage> Messages(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        List<ChatTemplateMessage> all = [];
        if (!string.IsNullOrEmpty(options?.Instructions)) all.Add(new ChatTemplateMessage("system", options.Instructions));
        foreach (ChatMessage message in messages) all.Add(Message(message));
        return all;
    }

    /// <summary>How the answer is generated.</summary>
    /// <exception cref="NotSupportedException">Something was asked for that the model cannot do.</exception>
    public static TextGenerationOptions Options(IChatClient client, ChatOptions? options)
    {
        if (options is null) return new TextGenerationOptions();
        Refuse(options.Tools is { Count: > 0 } && options.ToolMode is not NoneChatToolMode, "tools");
        Refuse(options.ResponseFormat is not null and not ChatResponseFormatText, "a response format other than text");
        Refuse(options.ConversationId is not null, "a conversation kept by the client; send all messages");
        Refuse(options.ContinuationToken is not null, "continuation tokens");
        TextGenerationOptions given = options.RawRepresentationFactory?.Invoke(client) as TextGenerationOptions ?? new TextGenerationOptions();
        return given with
        {
            MaxTokens = options.MaxOutputTokens ?? given.MaxTokens,
            Stop = [.. given.Stop, .. options.StopSequences ?? []],
            Sampling = given.Sampling with
            {
                Temperature = options.Temperature ?? given.Sampling.Temperature,
                TopP = options.TopP ?? given.Sampling.TopP,
                TopK = options.TopK ?? given.Sampling.TopK,
                Seed = options.Seed is { } seed ? unchecked((ulong)seed) : given.Sampling.Seed,
                FrequencyPenalty = options.FrequencyPenalty ?? given.Sampling.FrequencyPenalty,
                PresencePenalty = options.PresencePenalty ?? given.Sampling.PresencePenalty,
            },
        };
    }

    private static ChatTemplateMessage Message(ChatMessage message)
    {
        StringBuilder text = new(), thought = new();
        foreach (AIContent content in message.Contents)
        {
            switch (content)
            {
                case TextContent part: text.Append(part.Text); break;
                case TextReasoningContent part: thought.Append(part.Text); break;
                case UsageContent: break;
                default: throw new NotSupportedException($"a message of the {message.Role.Value} holds a {content.GetType().Name}; this client takes text only");
            }
        }

        return new ChatTemplateMessage(message.Role.Value, text.ToString())
        {
            Name = message.AuthorName,
            ReasoningContent = thought.Length > 0 ? thought.ToString() : null,
        };
    }

    private static void Refuse(bool condition, string what)
    {
        if (condition) throw new NotSupportedException($"this client does not support {what}");
    }
}
