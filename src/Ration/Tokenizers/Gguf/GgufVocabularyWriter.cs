using Ration.Files.Gguf;
using Ration.Tokenizers.BytePair;

namespace Ration.Tokenizers.Gguf;

/// <summary>
/// Puts a tokenizer into the keys <c>tokenizer.*</c> of a GGUF file, so that <see cref="GgufVocabulary"/> and llama.cpp read the same one.
/// Source: the GGUF specification, section "Standardized key-value pairs".
/// </summary>
internal sealed class GgufVocabularyWriter
{
    private const string Prefix = "tokenizer.ggml.";
    private readonly GgufWriter _writer;
    private readonly TokenizerDescription _description;
    private readonly VocabularyRows _rows;
    private readonly GgufVocabularyKind _kind;

    private GgufVocabularyWriter(GgufWriter writer, TokenizerDescription description, string source)
    {
        (_writer, _description) = (writer, description);
        _rows = new VocabularyRows(description.Tokenizer);
        _kind = GgufVocabularyKind.Of(_rows, source);
    }

    /// <summary>Sets the keys.</summary>
    /// <param name="writer">The file.</param>
    /// <param name="description">The tokenizer.</param>
    /// <param name="count">Tokens that the model has embeddings of; those beyond the tokenizer's become reserved places.</param>
    /// <param name="source">Where the tokenizer comes from, for messages.</param>
    /// <exception cref="InvalidInputException">GGUF files have no words for the tokenizer, or it has more tokens than the model.</exception>
    public static void Write(GgufWriter writer, TokenizerDescription description, int count, string source)
    {
        var vocabulary = new GgufVocabularyWriter(writer, description, source);
        if (vocabulary._rows.Count > count)
            throw new InvalidInputException($"{source}: its tokenizer has {vocabulary._rows.Count} tokens and the model embeddings of {count}; use the tokenizer that belongs to the model");
        vocabulary.WriteTokens(count);
        vocabulary.WriteIds();
        vocabulary.WriteTemplates();
    }

    /// <summary>Says that a model goes without a tokenizer.</summary>
    public static void WriteNone(GgufWriter writer) => writer.SetString(Prefix + "model", GgufVocabulary.None);

    private void WriteTokens(int count)
    {
        (string Text, TokenKind Kind)[] tokens = _rows.Spell(count, id => _kind.Text(_rows.Bytes(id), _rows.Kind(id)));
        float[] scores = [.. Enumerable.Range(0, count).Select(id => id < _rows.Count ? _kind.Score(id) : 0)];
        _writer.SetString(Prefix + "model", _kind.Model);
        _writer.SetString(Prefix + "pre", _kind.Pre);
        _writer.SetStrings(Prefix + "tokens", [.. tokens.Select(static t => t.Text)]);
        if (_kind.HasScores) _writer.SetSingles(Prefix + "scores", scores);
        _writer.SetInt32s(Prefix + "token_type", [.. tokens.Select(static t => (int)t.Kind)]);
        if (_kind.Merges is { } merges) _writer.SetStrings(Prefix + "merges", [.. merges.Select(Merge)]);
        if (_kind.AddsSpace is { } adds) _writer.SetBoolean(Prefix + "add_space_prefix", adds);
        if (_kind.CollapsesSpaces is { } collapses) _writer.SetBoolean(Prefix + "remove_extra_whitespaces", collapses);
        if (_kind.CharacterMap is { } map) _writer.SetBytes(Prefix + "precompiled_charsmap", map);
    }

    private string Merge((int Left, int Right, int Merged) merge) => $"{ByteAlphabet.Encode(_rows.Bytes(merge.Left))} {ByteAlphabet.Encode(_rows.Bytes(merge.Right))}";

    private void WriteIds()
    {
        int? end = (_description.Tokenizer as TextTokenizer)?.EndId ?? (_description.EndIds.Count > 0 ? _description.EndIds[0] : null);
        SetId("bos_token_id", _description.BeginningId);
        SetId("eos_token_id", end);
        int[] others = [.. _description.EndIds.Where(id => id != end)];
        if (others.Length > 0) SetId("eot_token_id", others[0]);
        if (others.Length > 1) SetId("eom_token_id", others[1]);
        SetId("padding_token_id", _description.PaddingId);
        int unknown = _kind.Unknown;
        for (int id = 0; unknown < 0 && id < _rows.Count; id++) if (_rows.Kind(id) == TokenKind.Unknown) unknown = id;
        if (unknown >= 0) SetId("unknown_token_id", unknown);
        if (_kind.Model == "bert")
        {
            SetId("cls_token_id", _description.BeginningId);
            SetId("seperator_token_id", end);
        }

        _writer.SetBoolean(Prefix + "add_bos_token", _description.AddBeginning);
        _writer.SetBoolean(Prefix + "add_eos_token", _description.AddEnd);
    }

    private void WriteTemplates()
    {
        if (_description.ChatTemplate is { } template) _writer.SetString(GgufTokenizer.Template, template);
        string[] others = [.. _description.ChatTemplates.Keys.Where(static name => name != "default")];
        if (others.Length == 0) return;
        _writer.SetStrings("tokenizer.chat_templates", others);
        foreach (string name in others) _writer.SetString($"{GgufTokenizer.Template}.{name}", _description.ChatTemplates[name]);
    }

    private void SetId(string key, int? id)
    {
        if (id is >= 0 and var given) _writer.SetUInt32(Prefix + key, (uint)given);
    }
}
