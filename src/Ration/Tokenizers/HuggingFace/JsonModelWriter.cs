using System.Text;
using System.Text.Json;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.SentencePiece;
using Ration.Tokenizers.Unigram;
using Ration.Tokenizers.WordPiece;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Writes the parts of a <c>tokenizer.json</c> that depend on how text is cut.</summary>
/// <param name="rows">The tokens.</param>
internal abstract class JsonModelWriter(VocabularyRows rows)
{
    private (string Text, TokenKind Kind)[]? _spelt;

    /// <summary>The tokens.</summary>
    protected VocabularyRows Rows { get; } = rows;

    /// <summary>What writes a tokenizer.</summary>
    /// <exception cref="InvalidInputException">Nothing does.</exception>
    public static JsonModelWriter Of(VocabularyRows rows, string path) => rows.Tokenizer switch
    {
        ByteTokenizer => new BytePairJsonWriter(rows, null),
        BytePairTokenizer pairs => new BytePairJsonWriter(rows, pairs),
        SentencePieceTokenizer sentence => new SentencePieceJsonWriter(rows, sentence),
        UnigramTokenizer unigram => new UnigramJsonWriter(rows, unigram),
        WordPieceTokenizer => new WordPieceJsonWriter(rows),
        _ => throw new InvalidInputException($"{path}: Ration writes no tokenizer.json of the kind {rows.Tokenizer.Name}; copy the model's own"),
    };

    /// <summary>Writes the property <c>normalizer</c>.</summary>
    public virtual void WriteNormalizer(Utf8JsonWriter json) => json.WriteNull("normalizer");

    /// <summary>Writes the property <c>pre_tokenizer</c>.</summary>
    public virtual void WritePreTokenizer(Utf8JsonWriter json) => json.WriteNull("pre_tokenizer");

    /// <summary>Writes the property <c>decoder</c>.</summary>
    public abstract void WriteDecoder(Utf8JsonWriter json);

    /// <summary>Writes the property <c>model</c>.</summary>
    public abstract void WriteModel(Utf8JsonWriter json);

    /// <summary>A token as it is written, and what it is for. Reserved places must be listed as special ones so that no text becomes them.</summary>
    public (string Text, TokenKind Kind) Spelt(int id) => (_spelt ??= Rows.Spell(Rows.Count, Text))[id];

    /// <summary>A token in the way of this kind.</summary>
    protected abstract string Text(int id);

    /// <summary>Writes the tokens as an object of text to id.</summary>
    protected void WriteVocabulary(Utf8JsonWriter json)
    {
        json.WriteStartObject("vocab");
        for (int id = 0; id < Rows.Count; id++) json.WriteNumber(Spelt(id).Text, id);
        json.WriteEndObject();
    }

    /// <summary>Whether a character that is no token is spelt by its bytes.</summary>
    protected bool HasBytes() => Enumerable.Range(0, Rows.Count).Any(id => Rows.Kind(id) == TokenKind.Byte);

    /// <summary>The token of what no token covers; −1 if there is none.</summary>
    protected int Unknown()
    {
        for (int id = 0; id < Rows.Count; id++) if (Rows.Kind(id) == TokenKind.Unknown) return id;
        return -1;
    }

    /// <summary>A token of SentencePiece as it is written.</summary>
    protected string SentencePieceText(int id) => Rows.Kind(id) switch
    {
        TokenKind.Byte when Rows.Bytes(id).Length == 1 => SentencePieceTokenizer.ByteText(Rows.Bytes(id)[0]),
        TokenKind.Normal or TokenKind.Unused => SentencePieceTokenizer.Escape(Rows.Bytes(id)),
        _ => Encoding.UTF8.GetString(Rows.Bytes(id)),
    };

    /// <summary>Writes an element or a property of one type and its settings.</summary>
    protected static void WriteStep(Utf8JsonWriter json, string? name, string type, Action<Utf8JsonWriter>? settings = null)
    {
        if (name is null) json.WriteStartObject();
        else json.WriteStartObject(name);
        json.WriteString("type", type);
        settings?.Invoke(json);
        json.WriteEndObject();
    }

    /// <summary>Writes a step that replaces one text by another, or an expression.</summary>
    protected static void WriteReplace(Utf8JsonWriter json, string kind, string pattern, string content) => WriteStep(json, null, "Replace", step =>
    {
        step.WriteStartObject("pattern");
        step.WriteString(kind, pattern);
        step.WriteEndObject();
        step.WriteString("content", content);
    });
}
