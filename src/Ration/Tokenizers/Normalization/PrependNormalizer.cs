using System.Buffers;

namespace Ration.Tokenizers.Normalization;

/// <summary>Puts some UTF-8 bytes before a text that is not empty.</summary>
internal sealed class PrependNormalizer(byte[] prefix) : ITextNormalizer
{
    /// <inheritdoc/>
    public void Normalize(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        if (text.IsEmpty) return;
        output.Write(prefix);
        output.Write(text);
    }
}
