using System.Globalization;
using System.Text;
using Ration.Tokenizers;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Inference;

/// <summary>
/// Writes conversations as tokens: through the model's template, or through ChatML where it has none. What people wrote never becomes a
/// special token, even if it spells one out; only what the template adds does.
/// </summary>
internal static class Conversation
{
    // Private characters of Unicode mark the places of texts that must stay text; they cannot come from a tokenizer or a template.
    private const char FirstMark = '\uE000';
    private const char LastMark = '\uF8FF';

    /// <summary>The tokens of a conversation up to where the answer begins.</summary>
    /// <exception cref="InvalidInputException">The template refuses the conversation, or it cannot be used.</exception>
    public static int[] Encode(ModelText text, IReadOnlyList<ChatTemplateMessage> messages)
    {
        char mark = FreeMark(messages);
        List<string> kept = [];
        ChatTemplateInputs inputs = new()
        {
            Messages = [.. messages.Select(m => Protect(text, m, mark, kept))],
            AddGenerationPrompt = true,
            BosToken = text.BeginningText,
            EosToken = text.EndText,
        };
        string written = (text.ChatTemplate ?? ChatTemplate.Default).Render(inputs);

        // A template of the model's own says itself where the token that begins a text goes.
        bool? addBeginning = text.ChatTemplate is null ? null : false;
        int[] tokens = kept.Count == 0
            ? text.Tokenizer.Encode(written, new EncodingOptions { AddBeginning = addBeginning, AddEnd = false, ParseSpecial = true })
            : EncodeParts(text, written.Split(mark), kept, addBeginning);
        text.Require(tokens);
        return tokens;
    }

    /// <summary>Options for an answer: where the model's vocabulary has no token for ChatML's end of a message, the text is what ends it.</summary>
    public static TextGenerationOptions ForAnswer(ModelText text, TextGenerationOptions options)
    {
        const string end = "<|im_end|>";
        return text.ChatTemplate is not null || text.IsSpecial(end) ? options : options with { Stop = [.. options.Stop, end] };
    }

    /// <summary>How many answers a conversation has: with the same draws in each, a model would often say the same.</summary>
    public static ulong TurnOf(IEnumerable<ChatTemplateMessage> messages) => (ulong)messages.Count(static m => m.Role == "assistant");

    private static char FreeMark(IReadOnlyList<ChatTemplateMessage> messages)
    {
        for (char mark = FirstMark; mark < LastMark; mark++)
        {
            if (!messages.Any(m => Texts(m).Any(t => t.Contains(mark, StringComparison.Ordinal)))) return mark;
        }

        throw new InvalidInputException("the messages hold every private character of Unicode; leave some of them out");
    }

    private static IEnumerable<string> Texts(ChatTemplateMessage message) =>
    [
        message.Role, message.Content ?? "", message.Name ?? "", message.ReasoningContent ?? "", message.ToolCallId ?? "", .. message.TextParts ?? [],
        .. message.ToolCalls is { } calls ? JsonTexts.Of(calls) : [],
        .. message.Fields?.SelectMany(static field => JsonTexts.Of(field.Value).Append(field.Key)) ?? [],
    ];

    private static ChatTemplateMessage Protect(ModelText text, ChatTemplateMessage message, char mark, List<string> kept)
    {
        return message with
        {
            Role = Safe(message.Role),
            Content = message.Content is { } content ? Safe(content) : null,
            Name = message.Name is { } name ? Safe(name) : null,
            ReasoningContent = message.ReasoningContent is { } thought ? Safe(thought) : null,
            TextParts = message.TextParts is { } parts ? [.. parts.Select(Safe)] : null,
            ToolCalls = message.ToolCalls is { } calls ? JsonTexts.Rewrite(calls, Safe) : null,
            ToolCallId = message.ToolCallId is { } call ? Safe(call) : null,
            Fields = message.Fields?.ToDictionary(field => Safe(field.Key), field => JsonTexts.Rewrite(field.Value, Safe), StringComparer.Ordinal),
        };

        string Safe(string part) => Protect(text, part, mark, kept);
    }

    // Mark, number, mark stands for a text that is to stay text.
    private static string Protect(ModelText text, string content, char mark, List<string> kept)
    {
        StringBuilder? written = null;
        int done = 0;
        while (text.FindSpecial(content.AsSpan(done), out string special) is var at and >= 0)
        {
            written ??= new StringBuilder();
            written.Append(content, done, at).Append(mark).Append(kept.Count).Append(mark);
            kept.Add(special);
            done += at + special.Length;
        }

        return written is null ? content : written.Append(content, done, content.Length - done).ToString();
    }

    // Every second part is a number.
    private static int[] EncodeParts(ModelText text, string[] parts, List<string> kept, bool? addBeginning)
    {
        List<int> tokens = [];
        EncodingOptions template = new() { AddBeginning = addBeginning, AddEnd = false, ParseSpecial = true };
        EncodingOptions plain = new() { AddBeginning = false, AddEnd = false };
        for (int i = 0; i < parts.Length; i++)
        {
            bool isKept = i % 2 == 1 && int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < kept.Count;
            EncodingOptions options = isKept ? plain : i == 0 ? template : template with { AddBeginning = false };
            tokens.AddRange(text.Tokenizer.Encode(isKept ? kept[int.Parse(parts[i], CultureInfo.InvariantCulture)] : parts[i], options));
        }

        return [.. tokens];
    }
}
