using System.Text.Encodings.Web;
using System.Text.Json;
using Ration.Files;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.BytePairTraining;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Writes a trained byte-level BPE vocabulary as the <c>tokenizer.json</c> of Hugging Face's tokenizers library.</summary>
public static class TokenizerJsonWriter
{
    /// <summary>The name by which the file is found in a folder.</summary>
    public const string FileName = TokenizerJsonReader.FileName;

    /// <summary>Writes the file atomically.</summary>
    /// <param name="path">Its path; the folder exists.</param>
    /// <param name="trained">The vocabulary.</param>
    /// <param name="preTokenizer">What the trainer cut text by.</param>
    /// <param name="beginning">The special token that begins every text, or null.</param>
    /// <exception cref="InvalidInputException">The file cannot be written.</exception>
    /// <exception cref="ArgumentException"><paramref name="beginning"/> is not one of the special tokens.</exception>
    public static void Write(string path, TrainedBytePairs trained, PreTokenizer preTokenizer, string? beginning = null)
    {
        ArgumentNullException.ThrowIfNull(trained);
        ArgumentNullException.ThrowIfNull(preTokenizer);
        int beginningId = beginning is null ? -1 : trained.SpecialTokens.ToList().IndexOf(beginning);
        if (beginning is not null && beginningId < 0) throw new ArgumentException("the token is none of the special tokens", nameof(beginning));
        AtomicFile.Write(path, stream =>
        {
            // As other writers do: text as it is, so that the file can be read by people.
            var options = new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
            using var json = new Utf8JsonWriter(stream, options);
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            WriteSpecialTokens(json, trained);
            json.WriteNull("normalizer");
            WritePreTokenizer(json, preTokenizer);
            if (beginning is null) json.WriteNull("post_processor");
            else WriteTemplate(json, beginning, beginningId);
            json.WriteStartObject("decoder");
            WriteByteLevel(json, useRegex: true);
            json.WriteEndObject();
            WriteModel(json, trained);
            json.WriteEndObject();
        });
    }

    private static void WriteSpecialTokens(Utf8JsonWriter json, TrainedBytePairs trained)
    {
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < trained.SpecialTokens.Count; id++)
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", trained.SpecialTokens[id]);
            foreach (string flag in (ReadOnlySpan<string>)["single_word", "lstrip", "rstrip", "normalized"]) json.WriteBoolean(flag, false);
            json.WriteBoolean("special", true);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    internal static void WritePreTokenizer(Utf8JsonWriter json, PreTokenizer preTokenizer)
    {
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        foreach (string pattern in preTokenizer.Patterns)
        {
            json.WriteStartObject();
            json.WriteString("type", "Split");
            json.WriteStartObject("pattern");
            json.WriteString("Regex", pattern);
            json.WriteEndObject();
            json.WriteString("behavior", "Isolated");
            json.WriteBoolean("invert", false);
            json.WriteEndObject();
        }

        json.WriteStartObject();
        WriteByteLevel(json, useRegex: false);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    internal static void WriteByteLevel(Utf8JsonWriter json, bool useRegex)
    {
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", useRegex);
    }

    internal static void WriteTemplate(Utf8JsonWriter json, string beginning, int id)
    {
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        foreach ((string name, string[] texts) in new[] { ("single", new[] { "A" }), ("pair", ["A", "B"]) })
        {
            json.WriteStartArray(name);
            WritePart(json, "SpecialToken", beginning, 0);
            for (int i = 0; i < texts.Length; i++) WritePart(json, "Sequence", texts[i], i);
            json.WriteEndArray();
        }

        json.WriteStartObject("special_tokens");
        json.WriteStartObject(beginning);
        json.WriteString("id", beginning);
        json.WriteStartArray("ids");
        json.WriteNumberValue(id);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        json.WriteStringValue(beginning);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter json, string kind, string id, int type)
    {
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("id", id);
        json.WriteNumber("type_id", type);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter json, TrainedBytePairs trained)
    {
        string[] letters = [.. trained.Tokens.Select(static (bytes, id) => ByteAlphabet.Encode(bytes))];
        for (int id = 0; id < trained.SpecialTokens.Count; id++) letters[id] = trained.SpecialTokens[id];
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        foreach (string name in (ReadOnlySpan<string>)["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"]) json.WriteNull(name);
        foreach (string name in (ReadOnlySpan<string>)["fuse_unk", "byte_fallback", "ignore_merges"]) json.WriteBoolean(name, false);
        json.WriteStartObject("vocab");
        for (int id = 0; id < letters.Length; id++) json.WriteNumber(letters[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        // No letter is a space, so the older form does, which every reader knows.
        foreach ((int first, int second) in trained.Merges) json.WriteStringValue($"{letters[first]} {letters[second]}");
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
