using System.Text;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.Normalization;
using Ration.Tokenizers.PreTokenizers;
using Ration.Tokenizers.SentencePiece;
using Ration.Tokenizers.Unigram;
using Ration.Tokenizers.WordPiece;

namespace Ration.Tokenizers.Gguf;

/// <summary>What the keys of a GGUF file say of a tokenizer besides its tokens' list: which of the four kinds it is and how it treats text.</summary>
internal sealed record GgufVocabularyKind
{
    private const char SpaceMark = '\u2581';
    private static readonly HashSet<UnicodeForm> s_composed = [UnicodeForm.Nfc];
    private VocabularyRows? _rows;
    private float[]? _ownScores;

    /// <summary><c>tokenizer.ggml.model</c>.</summary>
    public required string Model { get; init; }

    /// <summary><c>tokenizer.ggml.pre</c>.</summary>
    public string Pre { get; init; } = "default";

    /// <summary>The merges, first learnt first; null where tokens merge by their scores, or not.</summary>
    public IReadOnlyList<(int Left, int Right, int Merged)>? Merges { get; init; }

    /// <summary>Whether tokens have scores.</summary>
    public bool HasScores { get; init; }

    /// <summary>Whether a space goes before each text; null where the kind says it.</summary>
    public bool? AddsSpace { get; init; }

    /// <summary>Whether runs of spaces become one; null where the kind says it.</summary>
    public bool? CollapsesSpaces { get; init; }

    /// <summary>SentencePiece's compiled rules; null for none.</summary>
    public byte[]? CharacterMap { get; init; }

    /// <summary>The token of words that cannot be cut, where no kind of token says it; else −1.</summary>
    public int Unknown { get; init; } = -1;

    /// <summary>The kind of a tokenizer.</summary>
    /// <param name="rows">Its tokens.</param>
    /// <param name="source">Where it comes from, for messages.</param>
    /// <exception cref="InvalidInputException">GGUF files have no words for it.</exception>
    public static GgufVocabularyKind Of(VocabularyRows rows, string source)
    {
        try
        {
            ITokenizer tokenizer = rows.Tokenizer;
            if (tokenizer is NormalizedTokenizer normalized)
            {
                // Text is in that form nearly always, and llama.cpp takes it as it is.
                Require(normalized.Inner is BytePairTokenizer && normalized.Normalizer is UnicodeNormalizer unicode && s_composed.Contains(unicode.Form),
                    "rewrites text before it cuts it (normalizer)");
                tokenizer = normalized.Inner;
            }

            return tokenizer switch
            {
                ByteTokenizer => new GgufVocabularyKind { Model = "gpt2", Pre = "gpt-2", Merges = [] },
                BytePairTokenizer pairs => OfBytePairs(pairs),
                SentencePieceTokenizer sentence => new GgufVocabularyKind { Model = "llama", HasScores = true, AddsSpace = !sentence.TextPrefix.IsEmpty, _rows = rows },
                CharacterPairTokenizer pairs => OfCharacterPairs(pairs, rows),
                UnigramTokenizer unigram => OfUnigram(unigram, rows),
                WordPieceTokenizer words => OfWordPiece(words),
                _ => throw new FormatException($"is of the kind {tokenizer.Name}"),
            };
        }
        catch (FormatException e)
        {
            throw new InvalidInputException($"{source}: its tokenizer {e.Message}, for which GGUF files have no words; keep the model in a folder", e);
        }
    }

    /// <summary>The score of a token.</summary>
    public float Score(int id) => _ownScores is { } own ? id < own.Length ? own[id] : 0 : _rows?.Score(id) ?? 0;

    /// <summary>A token as this kind writes it.</summary>
    public string Text(ReadOnlySpan<byte> bytes, TokenKind kind) => (Model, kind) switch
    {
        (_, TokenKind.Byte) when bytes.Length == 1 => SentencePieceTokenizer.ByteText(bytes[0]),
        ("gpt2", TokenKind.Normal or TokenKind.Unused) => ByteAlphabet.Encode(bytes),
        ("llama" or "t5", TokenKind.Normal or TokenKind.Unused) => SentencePieceTokenizer.Escape(bytes),
        ("bert", TokenKind.Normal) when bytes.StartsWith((byte)' ') => SpaceMark + Encoding.UTF8.GetString(bytes[1..]),
        _ => Encoding.UTF8.GetString(bytes),
    };

    private static GgufVocabularyKind OfBytePairs(BytePairTokenizer pairs)
    {
        string? pre = PreTokenizerNames.NameOf(pairs.PreTokenizer, pairs.TakesWholeWords);
        Require(pre is not null,
            $"cuts words by {InvalidInputException.Quote(string.Join(", then ", pairs.PreTokenizer.Patterns))}"
            + $"{(pairs.TakesWholeWords ? " and takes words that are tokens whole (ignore_merges)" : "")}");
        return new GgufVocabularyKind { Model = "gpt2", Pre = pre!, Merges = pairs.Merges.InOrder() };
    }

    private static GgufVocabularyKind OfCharacterPairs(CharacterPairTokenizer pairs, VocabularyRows rows)
    {
        if (pairs.SeparatesSpaces) RequireWordsApart(rows);
        return new GgufVocabularyKind { Model = "llama", HasScores = true, AddsSpace = !pairs.TextPrefix.IsEmpty, _ownScores = MergeScores.Of(pairs.Vocabulary, pairs.Merges) };
    }

    private static GgufVocabularyKind OfUnigram(UnigramTokenizer unigram, VocabularyRows rows)
    {
        Require(unigram.Settings.Normalizer is null or CharacterMapNormalizer, "rewrites text before it cuts it by other rules than SentencePiece's (normalizer)");
        Require(!unigram.Settings.CutAtWhiteSpace || WhiteSpaceNormalizer.IsFoldedBy(unigram.Settings.Normalizer),
            "cuts words at every kind of white space (WhitespaceSplit), and its rules do not make spaces of them");
        if (unigram.Settings.SeparateSpaces) RequireWordsApart(rows);
        return new GgufVocabularyKind
        {
            Model = "t5",
            HasScores = true,
            AddsSpace = unigram.Settings.Prefix != SpacePrefix.Never,
            CollapsesSpaces = unigram.Settings.CollapseSpaces,
            CharacterMap = (unigram.Settings.Normalizer as CharacterMapNormalizer)?.Compiled(),
            _rows = rows,
        };
    }

    private static GgufVocabularyKind OfWordPiece(WordPieceTokenizer words)
    {
        Require(words.Normalizer is BertNormalizer { DoesAll: true }, "distinguishes capitals or accents");
        return new GgufVocabularyKind { Model = "bert", Unknown = words.Unknown };
    }

    // Where every space begins a word, no token with a space further in can come about; with GGUF's rules it could.
    private static void RequireWordsApart(VocabularyRows rows)
    {
        for (int id = 0; id < rows.Count; id++)
            Require(rows.Kind(id) != TokenKind.Normal || rows.Bytes(id).Length < 2 || !rows.Bytes(id)[1..].Contains((byte)' '), $"begins a word at every space, and token {id} has one further in");
    }

    private static void Require(bool condition, string what)
    {
        if (!condition) throw new FormatException(what);
    }
}
