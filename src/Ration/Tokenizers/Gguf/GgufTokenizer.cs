using System.Text;
using Ration.Files;
using Ration.Files.Gguf;

namespace Ration.Tokenizers.Gguf;

/// <summary>The tokenizer of a GGUF file with what its metadata say about using it.</summary>
internal static class GgufTokenizer
{
    /// <summary>The key of the template of chats; of further ones with a dot and their name.</summary>
    public const string Template = "tokenizer.chat_template";

    /// <summary>Reads the keys <c>tokenizer.*</c>.</summary>
    /// <exception cref="FileFormatException">There is no tokenizer, none that Ration knows, or the keys do not fit each other.</exception>
    public static TokenizerDescription Describe(GgufMetadata metadata)
    {
        TextTokenizer tokenizer = GgufVocabulary.Read(new GgufMetadataView(metadata), NormalizingVocabularies.Create);
        Dictionary<string, string> templates = new(StringComparer.Ordinal);
        if (metadata.TryGetString(Template, out string? template)) templates["default"] = template;
        foreach (GgufEntry entry in metadata.Entries.Where(static e => e.Key.StartsWith(Template + ".", StringComparison.Ordinal)))
        {
            if (metadata.TryGetString(entry.Key, out string? named)) templates[entry.Key[(Template.Length + 1)..]] = named;
        }

        return new TokenizerDescription
        {
            Tokenizer = tokenizer,
            BeginningId = tokenizer.BeginningId,
            BeginningText = TextOf(tokenizer, tokenizer.BeginningId),
            EndText = TextOf(tokenizer, tokenizer.EndId),
            EndIds = tokenizer.EndIds,
            PaddingId = PaddingOf(metadata, tokenizer),
            AddBeginning = tokenizer.AddBeginning,
            AddEnd = tokenizer.AddEnd,
            ChatTemplate = templates.GetValueOrDefault("default"),
            ChatTemplates = templates,
        };
    }

    // Files without padding have the key with −1 in it, or lack it.
    private static int? PaddingOf(GgufMetadata metadata, TextTokenizer tokenizer) =>
        new GgufMetadataView(metadata).TryGetInteger("tokenizer.ggml.padding_token_id", out long id) && id >= 0 && id < tokenizer.VocabularySize ? (int)id : null;

    private static string? TextOf(TextTokenizer tokenizer, int? token)
    {
        if (token is not { } id) return null;
        ReadOnlySpan<byte> special = tokenizer.SpecialBytes(id);
        return Encoding.UTF8.GetString(special.IsEmpty ? tokenizer.Bytes(id) : special);
    }
}
