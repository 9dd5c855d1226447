using System.Text.Json;
using Ration.Tokenizers.Gguf;
using Ration.Tokenizers.SentencePiece;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Writes SentencePiece's BPE as a list of merges: every two tokens that make a third, by the third one's score.</summary>
/// <param name="rows">The tokens.</param>
/// <param name="tokenizer">The tokenizer.</param>
internal sealed class SentencePieceJsonWriter(VocabularyRows rows, SentencePieceTokenizer tokenizer) : JsonModelWriter(rows)
{
    private const string SpaceMark = "\u2581";

    /// <inheritdoc/>
    public override void WriteNormalizer(Utf8JsonWriter json) => WriteStep(json, "normalizer", "Sequence", sequence =>
    {
        sequence.WriteStartArray("normalizers");
        if (!tokenizer.TextPrefix.IsEmpty) WriteStep(sequence, null, "Prepend", static step => step.WriteString("prepend", SpaceMark));
        WriteReplace(sequence, "String", " ", SpaceMark);
        sequence.WriteEndArray();
    });

    /// <inheritdoc/>
    public override void WriteDecoder(Utf8JsonWriter json) => WriteStep(json, "decoder", "Sequence", sequence =>
    {
        sequence.WriteStartArray("decoders");
        WriteReplace(sequence, "String", SpaceMark, " ");
        WriteStep(sequence, null, "ByteFallback");
        WriteStep(sequence, null, "Fuse");
        if (!tokenizer.TextPrefix.IsEmpty)
        {
            WriteStep(sequence, null, "Strip", static step =>
            {
                step.WriteString("content", " ");
                step.WriteNumber("start", 1);
                step.WriteNumber("stop", 0);
            });
        }

        sequence.WriteEndArray();
    });

    /// <inheritdoc/>
    public override void WriteModel(Utf8JsonWriter json)
    {
        int unknown = Unknown();
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        if (unknown < 0) json.WriteNull("unk_token");
        else json.WriteString("unk_token", Text(unknown));
        foreach (string name in (ReadOnlySpan<string>)["continuing_subword_prefix", "end_of_word_suffix"]) json.WriteNull(name);
        json.WriteBoolean("fuse_unk", true);
        json.WriteBoolean("byte_fallback", HasBytes());
        json.WriteBoolean("ignore_merges", false);
        WriteVocabulary(json);
        json.WriteStartArray("merges");
        foreach ((int left, int right) in Merges()) json.WriteStringValue($"{Text(left)} {Text(right)}");
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <inheritdoc/>
    protected override string Text(int id) => SentencePieceText(id);

    private IEnumerable<(int Left, int Right)> Merges()
    {
        TokenVocabulary vocabulary = tokenizer.Vocabulary;
        int[] merged = [.. Enumerable.Range(0, vocabulary.Count).Where(id => vocabulary.Kind(id) == TokenKind.Normal).OrderByDescending(vocabulary.Score)];
        return merged.SelectMany(id => MergeScores.Halves(vocabulary, id).Order());
    }
}
