using Ration.Tokenizers.Merging;
using Ration.Tokenizers.Normalization;
using Ration.Tokenizers.SentencePiece;

namespace Ration.Tokenizers.Unigram;

/// <summary>SentencePiece's unigram tokenizer: text is normalized, and each word with the space before it is cut into its most probable
/// tokens. What the normalization rewrites does not come back when tokens are decoded.</summary>
internal sealed class UnigramTokenizer : PieceTokenizer
{
    private const byte Space = (byte)' ';

    private readonly UnigramModel _model;
    private readonly UnigramSettings _settings;
    private readonly ITextNormalizer? _normalizer;
    private readonly bool _crossesWords;

    /// <summary>A tokenizer.</summary>
    /// <param name="vocabulary">Tokens with their own bytes and log-probabilities; spaces as U+0020.</param>
    /// <param name="settings">What is done to text first.</param>
    public UnigramTokenizer(TokenVocabulary vocabulary, UnigramSettings settings)
        : base(vocabulary)
    {
        _model = new UnigramModel(vocabulary);
        _settings = settings;
        ITextNormalizer? spaces = settings.CutAtWhiteSpace ? new WhiteSpaceNormalizer() : settings.CollapseSpaces ? new SpaceNormalizer() : null;
        _normalizer = settings.Normalizer is { } first && spaces is not null ? new NormalizerSequence([first, spaces]) : settings.Normalizer ?? spaces;
        _crossesWords = SpaceCuts.AreInside(vocabulary);
    }

    /// <inheritdoc/>
    public override string Name => "unigram";

    /// <inheritdoc/>
    internal override SpacePrefix Prefix => _settings.Prefix;

    /// <summary>What is done to text first.</summary>
    internal UnigramSettings Settings => _settings;

    private protected override void Split(ReadOnlySpan<byte> text, bool isFinal, PieceList pieces)
    {
        if (!_crossesWords) SpaceCuts.Add(text, isFinal, pieces);
        else if (isFinal && !text.IsEmpty) pieces.Add(text.Length);
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

        if (text.IndexOf("\u2581"u8) >= 0) text = SentencePieceTokenizer.Unescape(text);
        if (_settings.SeparateSpaces) EncodeWords(text, tokens);
        else _model.Encode(text, tokens);
    }

    // Each space begins a word, also the spaces of a run.
    private void EncodeWords(ReadOnlySpan<byte> text, TokenBuffer tokens)
    {
        while (!text.IsEmpty)
        {
            int next = text[1..].IndexOf(Space);
            int end = next < 0 ? text.Length : next + 1;
            _model.Encode(text[..end], tokens);
            text = text[end..];
        }
    }
}
