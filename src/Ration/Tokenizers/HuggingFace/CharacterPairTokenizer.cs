using System.Text;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.Merging;
using Ration.Tokenizers.SentencePiece;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Byte-pair encoding that starts from characters and has its merges as a list, as <c>tokenizer.json</c> files made from
/// SentencePiece models do (Sennrich et al. 2016, algorithm 1). Characters that are no token become their bytes or the unknown token.</summary>
internal sealed class CharacterPairTokenizer : PieceTokenizer
{
    private const byte Space = (byte)' ';

    private readonly MergeTable _merges;
    private readonly SpacePrefix _prefix;
    private readonly bool _separatesSpaces;
    private readonly bool _fusesUnknown;
    private readonly bool _crossesWords;

    /// <summary>A tokenizer.</summary>
    /// <param name="vocabulary">Tokens with their own bytes; spaces as U+0020.</param>
    /// <param name="merges">Of that vocabulary.</param>
    /// <param name="prefix">Where a space goes before a text.</param>
    /// <param name="separatesSpaces">Whether every space begins a word.</param>
    /// <param name="fusesUnknown">Whether unknown characters side by side become one unknown token.</param>
    public CharacterPairTokenizer(TokenVocabulary vocabulary, MergeTable merges, SpacePrefix prefix, bool separatesSpaces, bool fusesUnknown)
        : base(vocabulary)
    {
        (_merges, _prefix, _separatesSpaces, _fusesUnknown) = (merges, prefix, separatesSpaces, fusesUnknown);
        for (int id = 0; id < vocabulary.Count && !_crossesWords; id++)
            _crossesWords = vocabulary.Kind(id) is TokenKind.Normal or TokenKind.UserDefined && vocabulary.Bytes(id).TrimStart(Space).Contains(Space);
    }

    /// <inheritdoc/>
    public override string Name => "BPE";

    /// <inheritdoc/>
    internal override SpacePrefix Prefix => _prefix;

    /// <inheritdoc/>
    internal override bool FusesUnknown => _fusesUnknown;

    /// <summary>Of the vocabulary.</summary>
    internal MergeTable Merges => _merges;

    /// <summary>Whether every space begins a word.</summary>
    internal bool SeparatesSpaces => _separatesSpaces;

    private protected override void Split(ReadOnlySpan<byte> text, bool isFinal, PieceList pieces)
    {
        for (int at = 1; (_separatesSpaces || !_crossesWords) && at < text.Length; at++)
        {
            int next = text[at..].IndexOf(Space);
            if (next < 0) break;
            at += next;
            if (_separatesSpaces || (text[at - 1] != Space && !text[..at].EndsWith("\u2581"u8))) pieces.Add(at);
        }

        if (isFinal && !text.IsEmpty) pieces.Add(text.Length);
    }

    private protected override void Tokenize(ReadOnlySpan<byte> piece, SymbolMerger merger, TokenBuffer tokens) =>
        merger.Merge(new Rule(Vocabulary, _merges), piece.IndexOf("\u2581"u8) < 0 ? piece : SentencePieceTokenizer.Unescape(piece), tokens);

    private readonly struct Rule(TokenVocabulary vocabulary, MergeTable merges) : IMergeRule
    {
        public int First(ReadOnlySpan<byte> text, out int length)
        {
            _ = Rune.DecodeFromUtf8(text, out _, out length);
            return vocabulary.Find(text[..length]);
        }

        public bool TryMerge(int left, int right, ReadOnlySpan<byte> bytes, out uint priority, out int merged)
        {
            (priority, merged) = (0, -1);
            return left >= 0 && right >= 0 && merges.TryGet(left, right, out priority, out merged);
        }
    }
}
