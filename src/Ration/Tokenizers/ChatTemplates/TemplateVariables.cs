using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Ration.Tokenizers.ChatTemplates.Jinja;
using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates;

/// <summary>Inputs as the values that templates see.</summary>
internal static class TemplateVariables
{
    /// <summary>The variables; those that Hugging Face always gives are always there.</summary>
    public static Scope Create(ChatTemplateInputs inputs)
    {
        Scope scope = new(null);
        scope.Set("messages", SequenceValue.List([.. inputs.Messages.Select(Message)]));
        scope.Set("add_generation_prompt", inputs.AddGenerationPrompt);
        scope.Set("tools", inputs.Tools is null ? null : SequenceValue.List([.. inputs.Tools.Select(FromJson)]));
        scope.Set("documents", null);
        if (inputs.BosToken is not null) scope.Set("bos_token", inputs.BosToken);
        if (inputs.EosToken is not null) scope.Set("eos_token", inputs.EosToken);
        if (inputs.DateString is not null) scope.Set("date_string", inputs.DateString);
        foreach ((string name, JsonElement value) in inputs.Variables ?? new Dictionary<string, JsonElement>()) scope.Set(name, FromJson(value));
        return scope;
    }

    private static DictValue Message(ChatTemplateMessage message)
    {
        DictValue dict = new();
        if (!message.OnlyFields)
        {
            dict.Set("role", message.Role);
            dict.Set("content", message.TextParts is { } parts ? SequenceValue.List([.. parts.Select(Part)]) : message.Content);
            if (message.Name is not null) dict.Set("name", message.Name);
            if (message.ReasoningContent is not null) dict.Set("reasoning_content", message.ReasoningContent);
            if (message.ToolCalls is { } calls) dict.Set("tool_calls", FromJson(calls));
            if (message.ToolCallId is not null) dict.Set("tool_call_id", message.ToolCallId);
        }

        foreach ((string name, JsonElement value) in message.Fields ?? new Dictionary<string, JsonElement>()) dict.Set(name, FromJson(value));
        return dict;
    }

    private static DictValue Part(string text)
    {
        DictValue part = new();
        part.Set("type", "text");
        part.Set("text", text);
        return part;
    }

    // JsonDocument has bounded the depth already.
    private static object? FromJson(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                DictValue dict = new();
                foreach (JsonProperty property in value.EnumerateObject()) dict.Set(property.Name, FromJson(property.Value));
                return dict;
            case JsonValueKind.Array: return SequenceValue.List([.. value.EnumerateArray().Select(FromJson)]);
            case JsonValueKind.String: return Text(value);
            case JsonValueKind.Number: return Number(value);
            case JsonValueKind.True: return true;
            case JsonValueKind.False: return false;
            default: return null;
        }
    }

    private static string Text(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException fault)
        {
            throw new InvalidInputException("a text given to the chat template holds half of a surrogate pair; write both halves or none", fault);
        }
    }

    private static object Number(JsonElement value)
    {
        if (value.TryGetInt64(out long integer)) return integer;
        string digits = value.GetRawText();
        bool whole = digits.AsSpan().IndexOfAny('.', 'e', 'E') < 0 && digits.Length < 1000;
        return whole ? (object)BigInteger.Parse(digits, CultureInfo.InvariantCulture) : value.GetDouble();
    }
}
