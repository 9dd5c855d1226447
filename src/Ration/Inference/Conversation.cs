using System.Buffers;
using System.Globalization;
using System.Text;
using Ration.Tokenizers;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Inference;

/// <summary>
/// Writes conversations as tokens: through the model's template, or through ChatML where it has none. What people wrote never becomes a
/// mark of the chat, even if it spells one out, alone or with what stands beside it; only what the template adds does.
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
        int[] tokens = EncodeParts(text, written.Split(mark), kept, new EncodingOptions { AddBeginning = addBeginning, AddEnd = false, ParseSpecial = true });
        text.Require(tokens);
        return tokens;
    }

    /// <summary>Options for an answer: without a template of the model's own, ChatML's end of a message ends it, whether that is a token or a
    /// text.</summary>
    public static TextGenerationOptions ForAnswer(ModelText text, TextGenerationOptions options)
    {
        const string end = "<|im_end|>";
        if (text.ChatTemplate is not null) return options;
        return text.FindSpecial(end) is { } id ? options with { FurtherEnds = [.. options.FurtherEnds, id] } : options with { Stop = [.. options.Stop, end] };
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
        MarkTexts marks = text.MarksFor(message.Role);
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

        string Safe(string part) => Protect(marks, part, mark, kept);
    }

    // Mark, number, mark stands for a text that is to stay text. Templates put texts side by side, so that what could be a part of a mark
    // is kept as well: a mark is never found where it would overlap what is kept.
    private static string Protect(MarkTexts marks, string content, char mark, List<string> kept)
    {
        StringBuilder? written = null;
        (int first, int length) = marks.FindEnd(content);
        int done = 0;
        if (length > 0) Keep(first, length);
        while (marks.Find(content.AsSpan(done), out length) is var at and >= 0) Keep(done + at, length);
        (int last, length) = marks.FindBeginning(content.AsSpan(done));
        if (length > 0) Keep(done + last, length);
        return written is null ? content : written.Append(content, done, content.Length - done).ToString();

        void Keep(int start, int count)
        {
            written ??= new StringBuilder();
            written.Append(content, done, start - done).Append(mark).Append(kept.Count).Append(mark);
            kept.Add(content.Substring(start, count));
            done = start + count;
        }
    }

    // Every second part is a number.
    private static int[] EncodeParts(ModelText text, string[] parts, List<string> kept, EncodingOptions options)
    {
        ArrayBufferWriter<byte> written = new();
        List<(int Start, int End)> ranges = [];
        for (int i = 0; i < parts.Length; i++)
        {
            bool isKept = int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < kept.Count && i % 2 == 1;
            int start = written.WrittenCount;
            Encoding.UTF8.GetBytes(isKept ? kept[number] : parts[i], written);
            if (isKept) ranges.Add((start, written.WrittenCount));
        }

        return text.Tokenizer.Encode(written.WrittenSpan, options, ranges);
    }
}
