using System.Text.Json;
using Ration.Tests.Architecture;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Tests.Tokenizers.ChatTemplates;

/// <summary>What tests/golden/make_chat_template_golden.py wrote.</summary>
internal static class Golden
{
    /// <summary>The time that the golden texts tell.</summary>
    public static readonly DateTime Now = new(2025, 3, 7, 9, 5, 3, DateTimeKind.Local);

    private static readonly JsonElement s_root = Load();

    /// <summary>Single expressions, each with its text or null.</summary>
    public static IEnumerable<(string Source, string? Text)> Expressions => s_root.GetProperty("expressions").EnumerateObject().Select(static p => (p.Name, p.Value.GetString()));

    /// <summary>Templates, each with its text or null.</summary>
    public static IEnumerable<(string Source, string? Text)> Templates =>
        s_root.GetProperty("templates").EnumerateArray().Select(static t => (t.GetProperty("source").GetString()!, t.GetProperty("text").GetString()));

    /// <summary>Files of models' templates, with their texts or nulls by conversation.</summary>
    public static IEnumerable<(string File, JsonElement Texts)> Models => s_root.GetProperty("models").EnumerateObject().Select(static p => (p.Name, p.Value));

    /// <summary>Names of the conversations.</summary>
    public static IEnumerable<string> Conversations => s_root.GetProperty("conversations").EnumerateObject().Select(static p => p.Name);

    /// <summary>The folder of models' templates that is shared between checkouts, or null where there is none.</summary>
    public static string? SharedTemplates { get; } = Path.Combine(SourceCode.Root, "..", "shared", "data", "chat-templates") is var folder && Directory.Exists(folder) ? folder : null;

    /// <summary>The variables that expressions and templates use.</summary>
    public static ChatTemplateInputs Variables() => new() { Messages = [], Now = Now, Variables = Fields(s_root.GetProperty("variables")) };

    /// <summary>A conversation as inputs.</summary>
    public static ChatTemplateInputs Conversation(string name)
    {
        Dictionary<string, JsonElement> fields = Fields(s_root.GetProperty("conversations").GetProperty(name));
        string[] own = ["messages", "tools", "documents", "bos_token", "eos_token", "add_generation_prompt"];
        return new ChatTemplateInputs
        {
            Messages = [.. fields["messages"].EnumerateArray().Select(ChatTemplateMessage.FromJson)],
            Tools = fields["tools"].ValueKind == JsonValueKind.Null ? null : [.. fields["tools"].EnumerateArray()],
            BosToken = fields["bos_token"].GetString(),
            EosToken = fields["eos_token"].GetString(),
            AddGenerationPrompt = fields["add_generation_prompt"].GetBoolean(),
            Variables = fields.Where(f => !own.Contains(f.Key)).ToDictionary(),
            Now = Now,
        };
    }

    /// <summary>What a template makes of the inputs; null where it fails.</summary>
    public static string? Render(string source, ChatTemplateInputs inputs, out string? fault)
    {
        fault = null;
        try
        {
            return ChatTemplate.Parse(source).Render(inputs);
        }
        catch (InvalidInputException invalid)
        {
            fault = invalid.Message;
            return null;
        }
    }

    private static Dictionary<string, JsonElement> Fields(JsonElement value) => value.EnumerateObject().ToDictionary(static p => p.Name, static p => p.Value);

    private static JsonElement Load()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "chat-templates.json")));
        return document.RootElement.Clone();
    }
}
