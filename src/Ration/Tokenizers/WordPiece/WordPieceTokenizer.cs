using System.Buffers;
using System.Text;
using Ration.Tokenizers.Merging;
using Ration.Tokenizers.Normalization;

namespace Ration.Tokenizers.WordPiece;

/// <summary>BERT's tokenizer: text is cleaned and usually made lower case, cut into words and punctuation, and the words into tokens. What
/// it rewrites does not come back when tokens are decoded; words come back with one space between them.</summary>
internal sealed class WordPieceTokenizer : PieceTokenizer
{
    /// <summary>How many characters a word may have in the models of BERT's family.</summary>
    public const int UsualLongestWord = 100;

    private readonly WordPieceModel _model;
    private readonly ITextNormalizer? _normalizer;
    private readonly int _unknown;

    /// <summary>A tokenizer.</summary>
    /// <param name="vocabulary">Tokens as <see cref="TokenBytes"/> gives them.</param>
    /// <param name="normalizer">What is done to text first; null for nothing.</param>
    /// <param name="unknown">The token of words that cannot be cut.</param>
    /// <param name="longestWord">Longer words are unknown; in characters.</param>
    public WordPieceTokenizer(TokenVocabulary vocabulary, ITextNormalizer? normalizer, int unknown, int longestWord = UsualLongestWord)
        : base(vocabulary)
    {
        _model = new WordPieceModel(vocabulary, longestWord);
        (_normalizer, _unknown) = (normalizer, unknown);
    }

    /// <inheritdoc/>
    public override string Name => "WordPiece";

    /// <inheritdoc/>
    internal override SpacePrefix Prefix => SpacePrefix.Always;

    /// <summary>What is done to text first; null for nothing.</summary>
    internal ITextNormalizer? Normalizer => _normalizer;

    /// <summary>The token of words that cannot be cut; negative for none.</summary>
    internal int Unknown => _unknown;

    /// <summary>What BERT models trained without regard to case do to text first.</summary>
    public static ITextNormalizer Uncased { get; } = new BertNormalizer(clean: true, separateIdeographs: true, stripAccents: true, lowercase: true);

    /// <summary>The bytes of a token for a vocabulary: with a space before those that begin a word, without the mark of those that go on
    /// with one.</summary>
    /// <param name="token">As it is written in <c>vocab.txt</c>.</param>
    /// <param name="continuation">The mark, usually <c>##</c>.</param>
    public static byte[] TokenBytes(ReadOnlySpan<byte> token, ReadOnlySpan<byte> continuation) =>
        token.Length > continuation.Length && token.StartsWith(continuation) ? token[continuation.Length..].ToArray() : [(byte)' ', .. token];

    // Only before what separates words after any normalization, and joins nothing before it.
    private protected override void Split(ReadOnlySpan<byte> text, bool isFinal, PieceList pieces)
    {
        for (int at = 0; at < text.Length;)
        {
            OperationStatus status = Rune.DecodeFromUtf8(text[at..], out Rune rune, out int bytes);
            if (status == OperationStatus.NeedMoreData && !isFinal) return;
            if (at > 0 && status == OperationStatus.Done && Separates(rune)) pieces.Add(at);
            at += bytes;
        }

        if (isFinal && !text.IsEmpty) pieces.Add(text.Length);
    }

    private protected override void Tokenize(ReadOnlySpan<byte> piece, SymbolMerger merger, TokenBuffer tokens)
    {
        ReadOnlySpan<byte> text = piece;
        if (_normalizer is not null)
        {
            var normalized = new NormalizedText(piece.Length);
            _normalizer.Normalize(piece, normalized);
            text = normalized.WrittenSpan;
        }

        while (BertWords.Next(ref text) is { IsEmpty: false } word)
        {
            if (!_model.TryEncode(word, tokens) && _unknown >= 0) tokens.Add(_unknown);
        }
    }

    private static bool Separates(Rune rune) => rune.IsAscii
        ? rune.Value is ' ' or '\n' or '\t' or '\r' || BertWords.IsPunctuation(rune)
        : rune.Value is >= 0x4E00 and <= 0x9FFF;
}
