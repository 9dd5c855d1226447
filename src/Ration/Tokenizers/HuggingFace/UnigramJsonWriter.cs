using System.Text.Json;
using Ration.Tokenizers.Normalization;
using Ration.Tokenizers.Unigram;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Writes SentencePiece's unigram tokenizers.</summary>
/// <param name="rows">The tokens.</param>
/// <param name="tokenizer">The tokenizer.</param>
internal sealed class UnigramJsonWriter(VocabularyRows rows, UnigramTokenizer tokenizer) : JsonModelWriter(rows)
{
    private const string SpaceMark = "\u2581";

    /// <inheritdoc/>
    public override void WriteNormalizer(Utf8JsonWriter json) => WriteStep(json, "normalizer", "Sequence", sequence =>
    {
        sequence.WriteStartArray("normalizers");
        if (tokenizer.Settings.Normalizer is CharacterMapNormalizer map) WriteStep(sequence, null, "Precompiled", step => step.WriteBase64String("precompiled_charsmap", map.Compiled()));
        if (tokenizer.Settings.CollapseSpaces)
        {
            WriteStep(sequence, null, "Strip", static step =>
            {
                step.WriteBoolean("strip_left", false);
                step.WriteBoolean("strip_right", true);
            });
            WriteReplace(sequence, "Regex", " {2,}", SpaceMark);
        }

        sequence.WriteEndArray();
    });

    /// <inheritdoc/>
    public override void WritePreTokenizer(Utf8JsonWriter json)
    {
        if (!tokenizer.Settings.CutAtWhiteSpace)
        {
            WriteMetaspace(json, "pre_tokenizer");
            return;
        }

        WriteStep(json, "pre_tokenizer", "Sequence", sequence =>
        {
            sequence.WriteStartArray("pretokenizers");
            WriteStep(sequence, null, "WhitespaceSplit");
            WriteMetaspace(sequence, null);
            sequence.WriteEndArray();
        });
    }

    /// <inheritdoc/>
    public override void WriteDecoder(Utf8JsonWriter json) => WriteMetaspace(json, "decoder");

    /// <inheritdoc/>
    public override void WriteModel(Utf8JsonWriter json)
    {
        int unknown = Unknown();
        json.WriteStartObject("model");
        json.WriteString("type", "Unigram");
        if (unknown < 0) json.WriteNull("unk_id");
        else json.WriteNumber("unk_id", unknown);
        json.WriteStartArray("vocab");
        for (int id = 0; id < Rows.Count; id++)
        {
            json.WriteStartArray();
            json.WriteStringValue(Spelt(id).Text);
            json.WriteNumberValue(Rows.Score(id));
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", HasBytes());
        json.WriteEndObject();
    }

    /// <inheritdoc/>
    protected override string Text(int id) => SentencePieceText(id);

    private void WriteMetaspace(Utf8JsonWriter json, string? name) => WriteStep(json, name, "Metaspace", step =>
    {
        step.WriteString("replacement", SpaceMark);
        step.WriteString("prepend_scheme", tokenizer.Settings.Prefix switch { SpacePrefix.Never => "never", SpacePrefix.FirstWhereMissing => "first", _ => "always" });
        step.WriteBoolean("split", tokenizer.Settings.SeparateSpaces);
    });
}
