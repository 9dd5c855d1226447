using System.Buffers;

namespace Ration.Tokenizers.Normalization;

/// <summary>Makes one space of every run of spaces and drops those at the end, as SentencePiece's <c>remove_extra_whitespaces</c> does; the
/// mark U+2581 counts as a space.</summary>
internal sealed class SpaceNormalizer : ITextNormalizer
{
    private const byte Space = (byte)' ';

    /// <inheritdoc/>
    public void Normalize(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        ReadOnlySpan<byte> mark = "\u2581"u8;
        bool pending = false;
        while (!text.IsEmpty)
        {
            int length = text[0] == Space ? 1 : text.StartsWith(mark) ? mark.Length : 0;
            if (length > 0)
            {
                pending = true;
                text = text[length..];
                continue;
            }

            if (pending) output.Write(" "u8);
            pending = false;
            int next = text.IndexOfAny(Space, mark[0]);
            // Other characters begin with the mark's first byte too.
            length = next < 0 ? text.Length : Math.Max(next, 1);
            output.Write(text[..length]);
            text = text[length..];
        }
    }
}
