using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ration.Files;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.BytePairTraining;
using Ration.Tokenizers.PreTokenizers;
using Ration.Tokenizers.Special;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Writes tokenizers as the <c>tokenizer.json</c> of Hugging Face's tokenizers library.</summary>
public static class TokenizerJsonWriter
{
    /// <summary>The name by which the file is found in a folder.</summary>
    public const string FileName = TokenizerJsonReader.FileName;

    // As other writers do: text as it is, so that the file can be read by people.
    private static readonly JsonWriterOptions s_options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a trained byte-level BPE vocabulary atomically.</summary>
    /// <param name="path">The file; its folder exists.</param>
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
        var builder = new TokenVocabularyBuilder();
        foreach (byte[] token in trained.Tokens) builder.Add(token, builder.Count < trained.SpecialTokens.Count ? TokenKind.Control : TokenKind.Normal);
        TokenVocabulary vocabulary = builder.Build();
        var merges = new MergeTable(vocabulary, trained.Merges.Count);
        foreach ((int first, int second) in trained.Merges) merges.Add(trained.Tokens[first], trained.Tokens[second]);
        AddedToken[] added = [.. trained.SpecialTokens.Select(static (name, id) => new AddedToken(id, Encoding.UTF8.GetBytes(name), IsSpecial: true))];
        Write(path, new TokenizerDescription
        {
            Tokenizer = new TextTokenizer(new BytePairTokenizer(vocabulary, merges, preTokenizer), added),
            BeginningId = beginning is null ? null : beginningId,
            AddBeginning = beginning is not null,
        });
    }

    /// <summary>Writes a tokenizer atomically.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="description">The tokenizer.</param>
    /// <exception cref="InvalidInputException">The file cannot be written, or it has no words for the tokenizer.</exception>
    internal static void Write(string path, TokenizerDescription description)
    {
        VocabularyRows rows = new(description.Tokenizer);
        JsonModelWriter model = JsonModelWriter.Of(rows, path);
        AtomicFile.Write(path, stream =>
        {
            using (Utf8JsonWriter json = new(stream, s_options))
            {
                json.WriteStartObject();
                json.WriteString("version", "1.0");
                json.WriteNull("truncation");
                json.WriteNull("padding");
                WriteAdded(json, rows, model);
                model.WriteNormalizer(json);
                model.WritePreTokenizer(json);
                WriteTemplate(json, description, rows);
                model.WriteDecoder(json);
                model.WriteModel(json);
                json.WriteEndObject();
            }

            stream.WriteByte((byte)'\n');
        });
    }

    private static void WriteAdded(Utf8JsonWriter json, VocabularyRows rows, JsonModelWriter model)
    {
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < rows.Count; id++)
        {
            AddedToken? added = rows.Added(id);
            (string text, TokenKind kind) = model.Spelt(id);
            if (added is null && kind != TokenKind.Unused) continue;
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", text);
            json.WriteBoolean("single_word", false);
            json.WriteBoolean("lstrip", added?.TakesSpacesBefore ?? false);
            json.WriteBoolean("rstrip", added?.TakesSpacesAfter ?? false);
            json.WriteBoolean("normalized", false);
            json.WriteBoolean("special", added?.IsSpecial ?? true);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTemplate(Utf8JsonWriter json, TokenizerDescription description, VocabularyRows rows)
    {
        int? beginning = description.AddBeginning ? description.BeginningId : null;
        int? end = description.AddEnd ? (description.Tokenizer as TextTokenizer)?.EndId : null;
        if (beginning is null && end is null)
        {
            json.WriteNull("post_processor");
            return;
        }

        string? first = beginning is { } b ? Encoding.UTF8.GetString(rows.Bytes(b)) : null, last = end is { } e ? Encoding.UTF8.GetString(rows.Bytes(e)) : null;
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        foreach ((string name, string[] texts) in new[] { ("single", new[] { "A" }), ("pair", ["A", "B"]) })
        {
            json.WriteStartArray(name);
            for (int i = 0; i < texts.Length; i++)
            {
                if (first is not null && i == 0) WritePart(json, "SpecialToken", first, 0);
                WritePart(json, "Sequence", texts[i], i);
                if (last is not null) WritePart(json, "SpecialToken", last, i);
            }

            json.WriteEndArray();
        }

        json.WriteStartObject("special_tokens");
        if (first is not null) WriteSpecial(json, first, beginning!.Value);
        if (last is not null && last != first) WriteSpecial(json, last, end!.Value);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteSpecial(Utf8JsonWriter json, string text, int id)
    {
        json.WriteStartObject(text);
        json.WriteString("id", text);
        json.WriteStartArray("ids");
        json.WriteNumberValue(id);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        json.WriteStringValue(text);
        json.WriteEndArray();
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
}
