using System.Buffers;
using System.Text;

namespace Ration.Tokenizers.Normalization;

/// <summary>Drops white space at the ends of a text.</summary>
internal sealed class StripNormalizer(bool left, bool right) : ITextNormalizer
{
    /// <inheritdoc/>
    public void Normalize(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        while (left && Rune.DecodeFromUtf8(text, out Rune rune, out int bytes) == OperationStatus.Done && Rune.IsWhiteSpace(rune))
            text = text[bytes..];
        while (right && Rune.DecodeLastFromUtf8(text, out Rune rune, out int bytes) == OperationStatus.Done && Rune.IsWhiteSpace(rune))
            text = text[..^bytes];
        output.Write(text);
    }
}
