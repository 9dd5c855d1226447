using System.Text;
using System.Text.Json;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Writes byte-level BPE; bytes by themselves are such without merges.</summary>
/// <param name="rows">The tokens.</param>
/// <param name="tokenizer">The tokenizer, or null for bytes.</param>
internal sealed class BytePairJsonWriter(VocabularyRows rows, BytePairTokenizer? tokenizer) : JsonModelWriter(rows)
{
    /// <inheritdoc/>
    public override void WritePreTokenizer(Utf8JsonWriter json) => WriteStep(json, "pre_tokenizer", "Sequence", sequence =>
    {
        sequence.WriteStartArray("pretokenizers");
        foreach (string pattern in (tokenizer?.PreTokenizer ?? PreTokenizer.None).Patterns)
        {
            WriteStep(sequence, null, "Split", split =>
            {
                split.WriteStartObject("pattern");
                split.WriteString("Regex", pattern);
                split.WriteEndObject();
                split.WriteString("behavior", "Isolated");
                split.WriteBoolean("invert", false);
            });
        }

        WriteStep(sequence, null, "ByteLevel", static step => WriteByteLevel(step, useRegex: false));
        sequence.WriteEndArray();
    });

    /// <inheritdoc/>
    public override void WriteDecoder(Utf8JsonWriter json) => WriteStep(json, "decoder", "ByteLevel", static step => WriteByteLevel(step, useRegex: true));

    /// <inheritdoc/>
    public override void WriteModel(Utf8JsonWriter json)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        foreach (string name in (ReadOnlySpan<string>)["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"]) json.WriteNull(name);
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", tokenizer?.TakesWholeWords ?? false);
        WriteVocabulary(json);
        json.WriteStartArray("merges");
        // No letter is a space, so the older form does, which every reader knows.
        if (tokenizer is not null)
            foreach ((int left, int right, _) in tokenizer.Merges.InOrder()) json.WriteStringValue($"{ByteAlphabet.Encode(Rows.Bytes(left))} {ByteAlphabet.Encode(Rows.Bytes(right))}");
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <inheritdoc/>
    protected override string Text(int id) => Rows.Kind(id) is TokenKind.Normal or TokenKind.Unused ? ByteAlphabet.Encode(Rows.Bytes(id)) : Encoding.UTF8.GetString(Rows.Bytes(id));

    private static void WriteByteLevel(Utf8JsonWriter json, bool useRegex)
    {
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", useRegex);
    }
}
