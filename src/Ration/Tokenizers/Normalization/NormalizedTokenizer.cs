using System.Buffers;
using Ration.Tokenizers.Merging;

namespace Ration.Tokenizers.Normalization;

/// <summary>A tokenizer that is given normalized text. What is rewritten does not come back when tokens are decoded.</summary>
internal sealed class NormalizedTokenizer(PieceTokenizer inner, ITextNormalizer normalizer) : PieceTokenizer(inner.Vocabulary)
{
    private readonly bool _crossesWords = SpaceCuts.AreInside(inner.Vocabulary);

    /// <inheritdoc/>
    public override string Name => inner.Name;

    /// <inheritdoc/>
    internal override SpacePrefix Prefix => inner.Prefix;

    /// <summary>What is given normalized text.</summary>
    public PieceTokenizer Inner => inner;

    /// <summary>What rewrites it.</summary>
    public ITextNormalizer Normalizer => normalizer;

    private protected override void Split(ReadOnlySpan<byte> text, bool isFinal, PieceList pieces)
    {
        if (!_crossesWords) SpaceCuts.Add(text, isFinal, pieces);
        else if (isFinal && !text.IsEmpty) pieces.Add(text.Length);
    }

    private protected override void Tokenize(ReadOnlySpan<byte> piece, SymbolMerger merger, TokenBuffer tokens)
    {
        var normalized = new NormalizedText(piece.Length);
        normalizer.Normalize(piece, normalized);
        ReadOnlySpan<byte> text = normalized.WrittenSpan;
        int[] room = ArrayPool<int>.Shared.Rent(Math.Max(text.Length, 1));
        while (!text.IsEmpty)
        {
            inner.Encode(text, room, isFinal: true, out int consumed, out int written);
            foreach (int token in room.AsSpan(0, written)) tokens.Add(token);
            text = text[consumed..];
        }

        ArrayPool<int>.Shared.Return(room);
    }
}
