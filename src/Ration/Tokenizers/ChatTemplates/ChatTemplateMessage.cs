using System.Text.Json;

namespace Ration.Tokenizers.ChatTemplates;

/// <summary>One message of a conversation. What is null is not given to the template, but for <see cref="Content"/>, which is then
/// <c>none</c>.</summary>
/// <param name="Role">Who speaks: <c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>.</param>
/// <param name="Content">The text; null where the message only calls tools.</param>
public sealed record ChatTemplateMessage(string Role, string? Content)
{
    /// <summary>Parts of the text, given as <c>content</c> in the form <c>[{type: text, text: …}]</c> instead of
    /// <see cref="Content"/>.</summary>
    public IReadOnlyList<string>? TextParts { get; init; }

    /// <summary>The speaker's name (<c>name</c>); for a message of a tool its name.</summary>
    public string? Name { get; init; }

    /// <summary>What the assistant thought before it answered (<c>reasoning_content</c>).</summary>
    public string? ReasoningContent { get; init; }

    /// <summary>The calls of tools that the assistant asks for (<c>tool_calls</c>), a JSON array.</summary>
    public JsonElement? ToolCalls { get; init; }

    /// <summary>Which call a message of a tool answers (<c>tool_call_id</c>).</summary>
    public string? ToolCallId { get; init; }

    /// <summary>Further fields, and other values for those above, by name.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Fields { get; init; }

    /// <summary>A message as it stands in a JSON conversation, with all its fields.</summary>
    /// <exception cref="InvalidInputException">It is no object, or has no role.</exception>
    public static ChatTemplateMessage FromJson(JsonElement message)
    {
        if (message.ValueKind != JsonValueKind.Object) throw new InvalidInputException($"a message is a JSON {message.ValueKind}; write it as an object with 'role' and 'content'");
        Dictionary<string, JsonElement> fields = new(StringComparer.Ordinal);
        foreach (JsonProperty property in message.EnumerateObject()) fields[property.Name] = property.Value;
        if (!fields.TryGetValue("role", out JsonElement role) || role.ValueKind != JsonValueKind.String) throw new InvalidInputException("a message has no 'role'; give it one, as text");
        return new ChatTemplateMessage(role.GetString()!, null) { Fields = fields, OnlyFields = true };
    }

    /// <summary>Whether <see cref="Fields"/> are all that the template is given.</summary>
    internal bool OnlyFields { get; private init; }
}
