using System.Text.Json;

namespace Ration.Tokenizers.ChatTemplates;

/// <summary>What a <see cref="ChatTemplate"/> is given.</summary>
public sealed record ChatTemplateInputs
{
    /// <summary>The conversation, oldest message first.</summary>
    public required IReadOnlyList<ChatTemplateMessage> Messages { get; init; }

    /// <summary>Whether the text ends where the assistant's next answer starts.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>Text of the token that begins a sequence (<c>bos_token</c>); null leaves it undefined.</summary>
    public string? BosToken { get; init; }

    /// <summary>Text of the token that ends a sequence (<c>eos_token</c>); null leaves it undefined.</summary>
    public string? EosToken { get; init; }

    /// <summary>Descriptions of tools as JSON schemas; null is <c>none</c>.</summary>
    public IReadOnlyList<JsonElement>? Tools { get; init; }

    /// <summary>The date as text (<c>date_string</c>); null leaves it undefined, so that templates take their own.</summary>
    public string? DateString { get; init; }

    /// <summary>Further variables by name (<c>enable_thinking</c>, <c>custom_tools</c>, …); they come before all above.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Variables { get; init; }

    /// <summary>The time that <c>strftime_now</c> tells; null is now.</summary>
    public DateTime? Now { get; init; }
}
