using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ration.Files;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.Merging;
using Ration.Tokenizers.SentencePiece;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>
/// Writes a tokenizer into a model's folder as the Hugging Face libraries keep it: <c>tokenizer.json</c>, <c>tokenizer_config.json</c> and
/// the ends of texts in <c>generation_config.json</c>.
/// </summary>
public sealed class TokenizerFolderWriter
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly TokenizerDescription _description;
    private readonly PieceTokenizer? _inner;

    /// <summary>A writer of a tokenizer.</summary>
    public TokenizerFolderWriter(TokenizerDescription description)
    {
        ArgumentNullException.ThrowIfNull(description);
        _description = description;
        _inner = (description.Tokenizer is TextTokenizer text ? text.Inner : description.Tokenizer) as PieceTokenizer;
    }

    /// <summary>Whether tokenizers of this kind can be written: byte-level and SentencePiece byte-pair encodings.</summary>
    public bool CanWrite => _inner is BytePairTokenizer or SentencePieceTokenizer;

    /// <summary>Writes the files, each atomically.</summary>
    /// <exception cref="InvalidOperationException">The tokenizer is of another kind (<see cref="CanWrite"/>).</exception>
    public void Write(string folder)
    {
        if (!CanWrite) throw new InvalidOperationException($"a tokenizer of the kind {_description.Tokenizer.Name} cannot be written");
        WriteFile(Path.Combine(folder, TokenizerJsonReader.FileName), WriteTokenizer);
        WriteFile(Path.Combine(folder, "tokenizer_config.json"), WriteConfig);
        if (_description.EndIds.Count > 0) WriteFile(Path.Combine(folder, HuggingFaceFolder.GenerationConfigName), WriteGeneration);
    }

    private static void WriteFile(string path, Action<Utf8JsonWriter> fill) => AtomicFile.Write(path, stream =>
    {
        using Utf8JsonWriter json = new(stream, s_options);
        json.WriteStartObject();
        fill(json);
        json.WriteEndObject();
    });

    private void WriteConfig(Utf8JsonWriter json)
    {
        json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
        json.WriteString("bos_token", _description.BeginningText);
        json.WriteString("eos_token", _description.EndText);
        json.WriteBoolean("add_bos_token", _description.AddBeginning);
        json.WriteBoolean("add_eos_token", _description.AddEnd);
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        if (_description.ChatTemplate is { } template) json.WriteString("chat_template", template);
    }

    private void WriteGeneration(Utf8JsonWriter json)
    {
        if (_description.BeginningId is { } beginning) json.WriteNumber("bos_token_id", beginning);
        json.WriteStartArray("eos_token_id");
        foreach (int id in _description.EndIds) json.WriteNumberValue(id);
        json.WriteEndArray();
    }

    private void WriteTokenizer(Utf8JsonWriter json)
    {
        bool isByteLevel = _inner is BytePairTokenizer;
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        WriteAdded(json);
        if (isByteLevel) json.WriteNull("normalizer");
        else WriteNormalizer(json);
        if (_inner is BytePairTokenizer pairs) TokenizerJsonWriter.WritePreTokenizer(json, pairs.PreTokenizer);
        else json.WriteNull("pre_tokenizer");
        if (_description is { AddBeginning: true, BeginningId: { } id, BeginningText: { } text }) TokenizerJsonWriter.WriteTemplate(json, text, id);
        else json.WriteNull("post_processor");
        json.WriteStartObject("decoder");
        if (isByteLevel) TokenizerJsonWriter.WriteByteLevel(json, useRegex: true);
        else WriteDecoder(json);
        json.WriteEndObject();
        WriteModel(json);
    }

    private void WriteAdded(Utf8JsonWriter json)
    {
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < _description.Tokenizer.VocabularySize; id++)
        {
            ReadOnlySpan<byte> special = _description.Tokenizer.SpecialBytes(id), text = special.IsEmpty ? _description.Tokenizer.Bytes(id) : special;
            // What stands for no text is hidden as marks are.
            bool isSpecial = !special.IsEmpty || text.IsEmpty;
            if (!isSpecial && id < _inner!.Vocabulary.Count && _inner.Vocabulary.Kind(id) != TokenKind.UserDefined) continue;
            json.WriteStartObject();
            json.WriteNumber("id", id);
            if (text.IsEmpty) json.WriteString("content", Unused(id));
            else json.WriteString("content", text);
            foreach (string flag in (ReadOnlySpan<string>)["single_word", "lstrip", "rstrip", "normalized"]) json.WriteBoolean(flag, false);
            json.WriteBoolean("special", isSpecial);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteNormalizer(Utf8JsonWriter json)
    {
        json.WriteStartObject("normalizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("normalizers");
        if (!_inner!.TextPrefix.IsEmpty) WritePart(json, ("type", "Prepend"), ("prepend", "\u2581"));
        WriteReplace(json, " ", "\u2581");
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteDecoder(Utf8JsonWriter json)
    {
        json.WriteString("type", "Sequence");
        json.WriteStartArray("decoders");
        WriteReplace(json, "\u2581", " ");
        WritePart(json, ("type", "ByteFallback"));
        WritePart(json, ("type", "Fuse"));
        if (!_inner!.TextPrefix.IsEmpty)
        {
            json.WriteStartObject();
            json.WriteString("type", "Strip");
            json.WriteString("content", " ");
            json.WriteNumber("start", 1);
            json.WriteNumber("stop", 0);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WritePart(Utf8JsonWriter json, params ReadOnlySpan<(string Name, string Value)> members)
    {
        json.WriteStartObject();
        foreach ((string name, string value) in members) json.WriteString(name, value);
        json.WriteEndObject();
    }

    private static void WriteReplace(Utf8JsonWriter json, string pattern, string content)
    {
        json.WriteStartObject();
        json.WriteString("type", "Replace");
        json.WriteStartObject("pattern");
        json.WriteString("String", pattern);
        json.WriteEndObject();
        json.WriteString("content", content);
        json.WriteEndObject();
    }

    private void WriteModel(Utf8JsonWriter json)
    {
        string[] texts = Texts();
        TokenVocabulary vocabulary = _inner!.Vocabulary;
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        if (_inner is SentencePieceTokenizer && vocabulary.UnknownToken >= 0) json.WriteString("unk_token", texts[vocabulary.UnknownToken]);
        else json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", _inner is SentencePieceTokenizer);
        json.WriteBoolean("byte_fallback", _inner is SentencePieceTokenizer && vocabulary.ByteToken(0) >= 0);
        json.WriteBoolean("ignore_merges", _inner is BytePairTokenizer { TakesWholeWords: true });
        json.WriteStartObject("vocab");
        for (int id = 0; id < texts.Length; id++) json.WriteNumber(texts[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach ((int left, int right) in _inner is BytePairTokenizer pairs ? pairs.Merges.InOrder() : SentencePieceMerges.Of(vocabulary)) json.WriteStringValue($"{texts[left]} {texts[right]}");
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private string[] Texts()
    {
        TokenVocabulary vocabulary = _inner!.Vocabulary;
        string[] texts = new string[vocabulary.Count];
        HashSet<string> taken = new(StringComparer.Ordinal);
        for (int id = 0; id < texts.Length; id++)
        {
            ReadOnlySpan<byte> bytes = vocabulary.Bytes(id);
            texts[id] = vocabulary.Kind(id) switch
            {
                TokenKind.Byte => $"<0x{bytes[0]:X2}>",
                TokenKind.Normal when _inner is BytePairTokenizer => ByteAlphabet.Encode(bytes),
                TokenKind.Normal => Encoding.UTF8.GetString(bytes).Replace(' ', '\u2581'),
                _ => Encoding.UTF8.GetString(bytes),
            };

            // Of several that are spelt alike, text becomes the first.
            if (texts[id].Length == 0 || !taken.Add(texts[id])) taken.Add(texts[id] = Unused(id));
        }

        return texts;
    }

    private static string Unused(int id) => $"[UNUSED{id}]";
}
