using System.Text;
using Ration.Files.Gguf;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.Normalization;
using Ration.Tokenizers.PreTokenizers;
using Ration.Tokenizers.SentencePiece;

namespace Ration.Tokenizers.Gguf;

/// <summary>
/// Writes a tokenizer into the metadata of a GGUF file, so that <see cref="ModelTokenizer"/> and other readers make the same tokens of text
/// (keys <c>tokenizer.*</c>; source: the GGUF specification, section "Standardized key-value pairs").
/// </summary>
public sealed class GgufTokenizerWriter
{
    private const string Prefix = "tokenizer.ggml.";
    private readonly TokenizerDescription _description;
    private readonly ITokenizer _inner;
    private readonly int _count;

    /// <summary>A writer of a tokenizer.</summary>
    /// <param name="description">The tokenizer.</param>
    /// <param name="vocabulary">Tokens that the model has embeddings of; those without text become unused ones.</param>
    public GgufTokenizerWriter(TokenizerDescription description, int vocabulary)
    {
        ArgumentNullException.ThrowIfNull(description);
        _description = description;
        ITokenizer inner = description.Tokenizer is TextTokenizer text ? text.Inner : description.Tokenizer;
        // Files have no word for normal forms of byte-level models; their readers leave those out too.
        _inner = inner is NormalizedTokenizer { Inner: BytePairTokenizer pairs } ? pairs : inner;
        _count = vocabulary;
    }

    /// <summary>Whether GGUF files have a word for tokenizers of this kind.</summary>
    public bool CanWrite => _inner switch
    {
        ByteTokenizer or SentencePieceTokenizer or CharacterPairTokenizer => true,
        BytePairTokenizer pairs => PreTokenizerNames.NameOf(pairs.PreTokenizer, pairs.TakesWholeWords) is not null,
        _ => false,
    };

    /// <summary>Sets the keys.</summary>
    /// <exception cref="InvalidOperationException">The tokenizer is of another kind (<see cref="CanWrite"/>).</exception>
    public void Write(GgufWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        switch (_inner)
        {
            case ByteTokenizer:
                WriteTokens(writer, "gpt2", "gpt-2", static (bytes, _) => ByteAlphabet.Encode(bytes));
                writer.SetStrings(Prefix + "merges", []);
                break;
            case BytePairTokenizer pairs when PreTokenizerNames.NameOf(pairs.PreTokenizer, pairs.TakesWholeWords) is { } pre:
                WriteTokens(writer, "gpt2", pre, static (bytes, _) => ByteAlphabet.Encode(bytes));
                writer.SetStrings(Prefix + "merges", [.. pairs.Merges.InOrder().Select(m => $"{ByteAlphabet.Encode(pairs.Vocabulary.Bytes(m.Left))} {ByteAlphabet.Encode(pairs.Vocabulary.Bytes(m.Right))}")]);
                break;
            case SentencePieceTokenizer pieces:
                WritePieces(writer, pieces.Vocabulary, id => pieces.Vocabulary.Score(id), !pieces.TextPrefix.IsEmpty);
                break;
            case CharacterPairTokenizer pairs:
                float[] scores = Scores(pairs);
                WritePieces(writer, pairs.Vocabulary, id => scores[id], !pairs.TextPrefix.IsEmpty);
                break;
            default: throw new InvalidOperationException($"GGUF files cannot describe a tokenizer of the kind {_inner.Name}");
        }

        WriteUse(writer);
    }

    private void WritePieces(GgufWriter writer, TokenVocabulary vocabulary, Func<int, float> score, bool addsSpace)
    {
        WriteTokens(writer, "llama", "default", static (bytes, kind) => kind == TokenKind.Byte ? $"<0x{bytes[0]:X2}>" : Encoding.UTF8.GetString(bytes).Replace(' ', '\u2581'));
        writer.SetSingles(Prefix + "scores", [.. Enumerable.Range(0, _count).Select(id => id < vocabulary.Count ? score(id) : 0)]);
        writer.SetBoolean(Prefix + "add_space_prefix", addsSpace);
        if (vocabulary.UnknownToken is >= 0 and int unknown) writer.SetUInt32(Prefix + "unknown_token_id", (uint)unknown);
    }

    private void WriteTokens(GgufWriter writer, string model, string pre, Func<byte[], TokenKind, string> spell)
    {
        TokenVocabulary? vocabulary = (_inner as Merging.PieceTokenizer)?.Vocabulary;
        string[] tokens = new string[_count];
        int[] kinds = new int[_count];
        for (int id = 0; id < _count; id++)
        {
            (byte[] bytes, TokenKind kind) = TokenOf(id, vocabulary);
            bool isText = kind is TokenKind.Normal or TokenKind.Byte || (kind == TokenKind.UserDefined && model == "llama");
            tokens[id] = isText ? spell(bytes, kind) : Encoding.UTF8.GetString(bytes);
            kinds[id] = (int)kind;
        }

        writer.SetString(Prefix + "model", model);
        writer.SetString(Prefix + "pre", pre);
        writer.SetStrings(Prefix + "tokens", tokens);
        writer.SetInt32s(Prefix + "token_type", kinds);
    }

    private (byte[] Bytes, TokenKind Kind) TokenOf(int id, TokenVocabulary? vocabulary)
    {
        ITokenizer tokenizer = _description.Tokenizer;
        if (id >= tokenizer.VocabularySize) return ([], TokenKind.Unused);
        ReadOnlySpan<byte> special = tokenizer.SpecialBytes(id), bytes = tokenizer.Bytes(id);
        if (!special.IsEmpty) return (special.ToArray(), vocabulary is not null && id < vocabulary.Count && vocabulary.Kind(id) == TokenKind.Unknown ? TokenKind.Unknown : TokenKind.Control);
        if (bytes.IsEmpty) return ([], TokenKind.Unused);
        if (vocabulary is null) return (bytes.ToArray(), TokenKind.Normal);
        TokenKind kind = id < vocabulary.Count ? vocabulary.Kind(id) : TokenKind.UserDefined;
        return (bytes.ToArray(), kind is TokenKind.Unused ? TokenKind.UserDefined : kind);
    }

    private void WriteUse(GgufWriter writer)
    {
        TextTokenizer? text = _description.Tokenizer as TextTokenizer;
        int[] ends = [.. _description.EndIds.Where(id => id < _count)];
        int? end = text?.EndId ?? (ends.Length > 0 ? ends[0] : null);
        if (_description.BeginningId is { } beginning && beginning < _count) writer.SetUInt32(Prefix + "bos_token_id", (uint)beginning);
        if (end is { } id && id < _count) writer.SetUInt32(Prefix + "eos_token_id", (uint)id);
        // The token that ends a turn, where it is another than the one that ends a text.
        if (ends.FirstOrDefault(e => e != end, -1) is >= 0 and int turn) writer.SetUInt32(Prefix + "eot_token_id", (uint)turn);
        if (_description.PaddingId is { } padding && padding < _count) writer.SetUInt32(Prefix + "padding_token_id", (uint)padding);
        writer.SetBoolean(Prefix + "add_bos_token", _description.AddBeginning);
        writer.SetBoolean(Prefix + "add_eos_token", _description.AddEnd);
        if (_description.ChatTemplate is { } template) writer.SetString("tokenizer.chat_template", template);
    }

    // What merges sooner scores higher, as in the vocabularies that such merges were made from.
    private static float[] Scores(CharacterPairTokenizer pairs)
    {
        float[] scores = new float[pairs.Vocabulary.Count];
        Array.Fill(scores, float.NegativeInfinity);
        int rank = 0;
        foreach ((int left, int right) in pairs.Merges.InOrder())
        {
            if (pairs.Merges.TryGet(left, right, out _, out int merged) && float.IsNegativeInfinity(scores[merged])) scores[merged] = -rank;
            rank++;
        }

        for (int id = 0; id < scores.Length; id++)
        {
            if (float.IsNegativeInfinity(scores[id])) scores[id] = pairs.Vocabulary.Kind(id) == TokenKind.Normal ? -rank : 0;
        }

        return scores;
    }
}
