using Ration.Tokenizers.Merging;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tokenizers.BytePair;

/// <summary>
/// Byte-level byte-pair encoding: text is cut into words, and in each the bytes merge in the order in which merges were learnt. Any bytes
/// can be said, UTF-8 or not. Source: Sennrich et al., 2016, algorithm 1; on bytes: Radford et al., 2019, section 2.2.
/// </summary>
public sealed class BytePairTokenizer : PieceTokenizer
{
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
        (Merges, PreTokenizer, TakesWholeWords) = (merges, preTokenizer, wholeWords);
    }

    /// <inheritdoc/>
    public override string Name => "byte-level BPE";

    /// <summary>What becomes what.</summary>
    internal MergeTable Merges { get; }

    /// <summary>Cuts text into words.</summary>
    internal PreTokenizer PreTokenizer { get; }

    /// <summary>Whether a word that is a token is that token.</summary>
    internal bool TakesWholeWords { get; }

    private protected override void Split(ReadOnlySpan<byte> text, bool isFinal, PieceList pieces) => PreTokenizer.Split(text, isFinal, pieces);

    private protected override void Tokenize(ReadOnlySpan<byte> piece, SymbolMerger merger, TokenBuffer tokens)
    {
        if (TakesWholeWords && Vocabulary.Find(piece) is >= 0 and int token) tokens.Add(token);
        else merger.Merge(new Rule(Merges), piece, tokens);
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
