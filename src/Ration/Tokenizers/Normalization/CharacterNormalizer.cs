using System.Buffers;
using System.Text;

namespace Ration.Tokenizers.Normalization;

/// <summary>A normalizer that looks at one character at a time.</summary>
internal abstract class CharacterNormalizer : ITextNormalizer
{
    /// <inheritdoc/>
    public void Normalize(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        while (!text.IsEmpty)
        {
            OperationStatus status = Rune.DecodeFromUtf8(text, out Rune rune, out int bytes);
            if (status == OperationStatus.Done) Write(rune, output);
            else output.Write(text[..bytes]);
            text = text[bytes..];
        }
    }

    /// <summary>Appends what becomes of a character: nothing, itself, or others.</summary>
    protected abstract void Write(Rune rune, IBufferWriter<byte> output);

    /// <summary>Appends a character.</summary>
    protected static void Append(Rune rune, IBufferWriter<byte> output) => output.Advance(rune.EncodeToUtf8(output.GetSpan(4)));
}
