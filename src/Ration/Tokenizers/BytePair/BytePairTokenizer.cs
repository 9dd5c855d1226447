using Ration.Tokenizers.Merging;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tokenizers.BytePair;

/// <summary>
/// Byte-level byte-pair encoding: text is cut into words, and in each the bytes merge in the order in which merges were learnt. Any bytes
/// can be said, UTF-8 or not. Source: Sennrich et al., 2016, algorithm 1; on bytes: Radford et al., 2019, section 2.2.
/// </summary>
public sealed class BytePairTokenizer : PieceTokenizer
{
    private readonly MergeTable _merges;
    private readonly PreTokenizer _preTokenizer;
    private readonly bool _wholeWords;

    /// <summary>A tokenizer.</summary>
    /// <param name="vocabulary">Tokens with their own bytes (not <see cref="ByteAlphabet"/>'s letters for them).</param>
    /// <param name="merges">Of that vocabulary.</param>
    /// <param name="preTokenizer">Cuts text into words.</param>
    /// <param name="wholeWords">Whether a word that is a token is that token, whatever its merges say (<c>ignore_merges</c>).</param>
    public BytePairTokenizer(TokenVocabulary vocabulary, MergeTable merges, PreTokenizer preTokenizer, bool wholeWords = false)
        : base(vocabulary)
    {
        ArgumentNullException.ThrowIfNull(merges);
        ArgumentNullException.ThrowIfNull(preTokenizer);
        (_merges, _preTokenizer, _wholeWords) = (merges, preTokenizer, wholeWords);
    }

    /// <inheritdoc/>
    public override string Name => "byte-level BPE";

    /// <summary>Of the vocabulary.</summary>
    internal MergeTable Merges => _merges;

    /// <summary>Cuts text into words.</summary>
    internal PreTokenizer PreTokenizer => _preTokenizer;

    /// <summary>Whether a word that is a token is that token.</summary>
    internal bool TakesWholeWords => _wholeWords;

    private protected override void Split(ReadOnlySpan<byte> text, bool isFinal, PieceList pieces) => _preTokenizer.Split(text, isFinal, pieces);

    private protected override void Tokenize(ReadOnlySpan<byte> piece, SymbolMerger merger, TokenBuffer tokens)
    {
        if (_wholeWords && Vocabulary.Find(piece) is >= 0 and int token) tokens.Add(token);
        else merger.Merge(new Rule(_merges), piece, tokens);
    }

    private readonly struct Rule(MergeTable merges) : IMergeRule
    {
        public int First(ReadOnlySpan<byte> text, out int length)
        {
            length = 1;
            return merges.Symbol(text[0]);
        }

        public bool TryMerge(int left, int right, ReadOnlySpan<byte> bytes, out uint priority, out int merged) => merges.TryGet(left, right, out priority, out merged);
    }
}
