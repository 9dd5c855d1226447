using Ration.Tokenizers.ChatTemplates;

namespace Ration.Inference;

/// <summary>
/// A conversation with a model. Each turn computes only what the cache does not hold yet. Where the conversation outgrows the context, the
/// oldest exchanges (a message of the user and all up to the next one) are left out of what the model sees, until it takes half of the
/// context; system messages stay. Each answer has draws of its own, which follow from the seed and how many answers came before it. One thread at
/// a time.
/// </summary>
/// <param name="model">The model, which the session does not own; several sessions may share it.</param>
public sealed class ChatSession(LanguageModel model)
{
    // An answer that would have less room than this part of the context makes older turns give way.
    private const int LeastShareForAnswer = 4;
    private List<ChatTemplateMessage> _messages = [];
    private int _forgotten;

    /// <summary>The conversation, oldest message first.</summary>
    public IReadOnlyList<ChatTemplateMessage> Messages => _messages;

    /// <summary>How many of the messages that are not the system's the model does not see any more.</summary>
    public int ForgottenMessages => _forgotten;

    /// <summary>Puts a message at the end of the conversation: the system's before the first turn, or one of an earlier conversation.</summary>
    public void Add(ChatTemplateMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        _messages.Add(message);
    }

    /// <summary>Puts a message at the end of the conversation.</summary>
    /// <param name="role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
    /// <param name="content">The text.</param>
    public void Add(string role, string content) => Add(new ChatTemplateMessage(role, content));

    /// <summary>Begins another conversation; the system's messages stay if wanted.</summary>
    public void Reset(bool keepSystem = true)
    {
        _messages = keepSystem ? [.. _messages.Where(IsSystem)] : [];
        _forgotten = 0;
    }

    /// <summary>
    /// Begins the answer to a message of the user; nothing is computed before the result is read. Message and answer become part of the
    /// conversation when reading ends: if it was broken off or cancelled, the answer as far as it came; if nothing had come, neither.
    /// </summary>
    /// <exception cref="InvalidInputException">The message does not fit the context, the template refuses the conversation, or the options cannot be used.</exception>
    public TextGeneration Ask(string message, TextGenerationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(message);
        options = Conversation.ForAnswer(model.Text, options ?? new TextGenerationOptions());
        ChatTemplateMessage question = new("user", message);
        int[] prompt = Prompt([.. _messages, question], options.MaxTokens);
        List<ChatTemplateMessage> messages = _messages;
        int answer = -1;
        return new TextGeneration(model, prompt, options, Conversation.TurnOf(_messages))
        {
            Ended = result =>
            {
                if (result.Tokens.Count == 0 && result.Finish is null) return;
                if (answer < 0)
                {
                    messages.AddRange(question, new ChatTemplateMessage("assistant", ""));
                    answer = messages.Count - 1;
                }

                messages[answer] = new ChatTemplateMessage("assistant", result.Text);
            },
        };
    }

    // What is forgotten is so only once the rest fits: a message that is refused must not cost the conversation.
    private int[] Prompt(List<ChatTemplateMessage> messages, int? maxTokens)
    {
        int forgotten = _forgotten;
        int[] prompt = Conversation.Encode(model.Text, Seen(messages, forgotten));
        int wanted = Math.Min(maxTokens ?? int.MaxValue, model.Context / LeastShareForAnswer);
        if (prompt.Length + wanted <= model.Context) return prompt;
        while (prompt.Length > model.Context / 2 && NextExchange(messages, forgotten) is var next and >= 0)
        {
            forgotten = next;
            prompt = Conversation.Encode(model.Text, Seen(messages, forgotten));
        }

        if (prompt.Length > model.Context)
            throw new InvalidInputException(
                $"the message and the system's take {prompt.Length} tokens, and there is room for {model.Context}; shorten them, or load the model with a larger context (--context)");
        _forgotten = forgotten;
        return prompt;
    }

    private static List<ChatTemplateMessage> Seen(List<ChatTemplateMessage> messages, int forgotten)
    {
        int left = forgotten;
        return [.. messages.Where(m => IsSystem(m) || left-- <= 0)];
    }

    // How many messages go with the oldest exchange that is still seen; -1 where only the last message of the user is left, which stays.
    private static int NextExchange(List<ChatTemplateMessage> messages, int forgotten)
    {
        ChatTemplateMessage[] turns = [.. messages.Where(static m => !IsSystem(m))];
        return Array.FindIndex(turns, Math.Min(forgotten + 1, turns.Length), static m => m.Role == "user");
    }

    private static bool IsSystem(ChatTemplateMessage message) => message.Role is "system" or "developer";
}
