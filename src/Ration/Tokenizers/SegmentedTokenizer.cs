using System.Buffers;

namespace Ration.Tokenizers;

/// <summary>
/// A tokenizer that cannot say which bytes a token stands for, because it rewrites text before it cuts it. It works through a text in
/// segments that do not influence each other, and reports whole segments as consumed. A text without any place to cut for 16 KiB is cut
/// there all the same, so that memory and time stay in proportion.
/// </summary>
internal abstract class SegmentedTokenizer : ITokenizer
{
    private const int UsualSegment = 1024;
    private const int LongestSegment = 16 << 10;

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract int VocabularySize { get; }

    /// <inheritdoc/>
    public abstract ReadOnlySpan<byte> Bytes(int token);

    /// <inheritdoc/>
    /// <remarks>A room for fewer tokens than one word makes cuts the word.</remarks>
    public void Encode(ReadOnlySpan<byte> text, Span<int> tokens, bool isFinal, out int bytesConsumed, out int tokensWritten)
    {
        bytesConsumed = tokensWritten = 0;
        var segmentTokens = new ArrayBufferWriter<int>(UsualSegment);
        int usual = UsualSegment;
        while (bytesConsumed < text.Length && tokensWritten < tokens.Length)
        {
            ReadOnlySpan<byte> rest = text[bytesConsumed..];
            int length = SegmentLength(rest, usual, isFinal);
            if (length == 0) return;
            segmentTokens.ResetWrittenCount();
            EncodeSegment(rest[..length], segmentTokens);
            if (segmentTokens.WrittenCount > tokens.Length - tokensWritten)
            {
                // Shorter segments first; a single word is cut only where nothing else was written.
                bool shortest = usual == 1 || length > 4 * usual;
                usual = Math.Max(usual / 4, 1);
                if (!shortest) continue;
                if (tokensWritten > 0) return;
                length = CutToFit(rest[..length], tokens.Length, segmentTokens);
            }

            ReadOnlySpan<int> written = segmentTokens.WrittenSpan;
            written = written[..Math.Min(written.Length, tokens.Length - tokensWritten)];
            written.CopyTo(tokens[tokensWritten..]);
            tokensWritten += written.Length;
            bytesConsumed += length;
        }
    }

    /// <summary>Where the first segment ends.</summary>
    /// <param name="text">Not empty.</param>
    /// <param name="atLeast">How long the segment should be at least, up to the length of the text.</param>
    /// <param name="isFinal">Whether no more text follows.</param>
    /// <returns>Its length; 0 if that depends on text still to come.</returns>
    protected abstract int Boundary(ReadOnlySpan<byte> text, int atLeast, bool isFinal);

    /// <summary>Appends the ids of a segment.</summary>
    protected abstract void EncodeSegment(ReadOnlySpan<byte> segment, IBufferWriter<int> output);

    private int SegmentLength(ReadOnlySpan<byte> text, int atLeast, bool isFinal)
    {
        ReadOnlySpan<byte> window = text[..Math.Min(text.Length, LongestSegment)];
        int length = Boundary(window, Math.Min(atLeast, window.Length), isFinal && window.Length == text.Length);
        if (length > 0 || window.Length < LongestSegment) return length;
        length = window.Length;
        while (length > LongestSegment - 4 && length < text.Length && (text[length] & 0xC0) == 0x80) length--;
        return length;
    }

    private int CutToFit(ReadOnlySpan<byte> word, int room, ArrayBufferWriter<int> output)
    {
        int length = word.Length;
        while (output.WrittenCount > room && length > 1)
        {
            length = Math.Clamp((int)((long)length * room / output.WrittenCount), 1, length - 1);
            while (length > 1 && (word[length] & 0xC0) == 0x80) length--;
            output.ResetWrittenCount();
            EncodeSegment(word[..length], output);
        }

        return length;
    }
}
