using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ration.Files;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Writes the files of a model's folder that describe its tokenizer.</summary>
internal static class TokenizerFolderWriter
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes <c>tokenizer.json</c>, <c>tokenizer_config.json</c> and, where texts end, <c>generation_config.json</c>.</summary>
    /// <param name="folder">Exists.</param>
    /// <param name="description">The tokenizer.</param>
    /// <exception cref="InvalidInputException">A file cannot be written, or Ration has no words for the tokenizer.</exception>
    public static void Write(string folder, TokenizerDescription description)
    {
        TokenizerJsonWriter.Write(Path.Combine(folder, TokenizerJsonReader.FileName), description);
        VocabularyRows rows = new(description.Tokenizer);
        int? end = (description.Tokenizer as TextTokenizer)?.EndId;
        int unknown = Enumerable.Range(0, rows.Count).FirstOrDefault(id => rows.Kind(id) == TokenKind.Unknown, -1);
        WriteObject(Path.Combine(folder, TokenizerFolder.ConfigName), json =>
        {
            json.WriteBoolean("add_bos_token", description.AddBeginning);
            json.WriteBoolean("add_eos_token", description.AddEnd);
            foreach ((string name, int? id) in new[] { ("bos_token", description.BeginningId), ("eos_token", end), ("unk_token", unknown < 0 ? null : unknown), ("pad_token", description.PaddingId) })
                if (id is { } token) json.WriteString(name, Encoding.UTF8.GetString(rows.Bytes(token)));
            json.WriteBoolean("clean_up_tokenization_spaces", false);
            json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
            WriteTemplates(json, description.ChatTemplates);
        });
        if (description.EndIds.Count == 0) return;
        WriteObject(Path.Combine(folder, HuggingFaceFolder.GenerationConfigName), json =>
        {
            if (description.BeginningId is { } beginning) json.WriteNumber("bos_token_id", beginning);
            json.WriteStartArray("eos_token_id");
            foreach (int id in description.EndIds) json.WriteNumberValue(id);
            json.WriteEndArray();
        });
    }

    private static void WriteTemplates(Utf8JsonWriter json, IReadOnlyDictionary<string, string> templates)
    {
        if (templates.Count == 0) return;
        if (templates is { Count: 1 } && templates.TryGetValue("default", out string? only))
        {
            json.WriteString("chat_template", only);
            return;
        }

        json.WriteStartArray("chat_template");
        foreach ((string name, string template) in templates)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("template", template);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteObject(string path, Action<Utf8JsonWriter> members) => AtomicFile.Write(path, stream =>
    {
        using var json = new Utf8JsonWriter(stream, s_options);
        json.WriteStartObject();
        members(json);
        json.WriteEndObject();
        json.Flush();
        stream.WriteByte((byte)'\n');
    });
}
