using System.Text;
using System.Text.Json;
using Ration.Tokenizers.WordPiece;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Writes WordPiece of models trained without regard to case.</summary>
/// <param name="rows">The tokens.</param>
internal sealed class WordPieceJsonWriter(VocabularyRows rows) : JsonModelWriter(rows)
{
    private const string Continuation = "##";

    /// <inheritdoc/>
    public override void WriteNormalizer(Utf8JsonWriter json) => WriteStep(json, "normalizer", "BertNormalizer", static step =>
    {
        foreach (string part in (ReadOnlySpan<string>)["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"]) step.WriteBoolean(part, true);
    });

    /// <inheritdoc/>
    public override void WritePreTokenizer(Utf8JsonWriter json) => WriteStep(json, "pre_tokenizer", "BertPreTokenizer");

    /// <inheritdoc/>
    public override void WriteDecoder(Utf8JsonWriter json) => WriteStep(json, "decoder", "WordPiece", static step =>
    {
        step.WriteString("prefix", Continuation);
        step.WriteBoolean("cleanup", true);
    });

    /// <inheritdoc/>
    public override void WriteModel(Utf8JsonWriter json)
    {
        int unknown = Rows.Tokenizer is WordPieceTokenizer { Unknown: >= 0 and var id } ? id : Unknown();
        json.WriteStartObject("model");
        json.WriteString("type", "WordPiece");
        if (unknown >= 0) json.WriteString("unk_token", Text(unknown));
        json.WriteString("continuing_subword_prefix", Continuation);
        json.WriteNumber("max_input_chars_per_word", WordPieceTokenizer.UsualLongestWord);
        WriteVocabulary(json);
        json.WriteEndObject();
    }

    /// <inheritdoc/>
    protected override string Text(int id)
    {
        string text = Encoding.UTF8.GetString(Rows.Bytes(id));
        return Rows.Kind(id) is not (TokenKind.Normal or TokenKind.UserDefined) || text.Length == 0 ? text : text[0] == ' ' ? text[1..] : Continuation + text;
    }
}
