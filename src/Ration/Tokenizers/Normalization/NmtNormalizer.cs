using System.Buffers;
using System.Text;

namespace Ration.Tokenizers.Normalization;

/// <summary>Drops control characters and makes a plain space of every other white or invisible character, as SentencePiece's <c>nmt</c>
/// rules do.</summary>
internal sealed class NmtNormalizer : CharacterNormalizer
{
    /// <inheritdoc/>
    protected override void Write(Rune rune, IBufferWriter<byte> output)
    {
        switch (rune.Value)
        {
            case (>= 0x01 and <= 0x08) or 0x0B or (>= 0x0E and <= 0x1F) or 0x7F or 0x8F or 0x9F:
                break;
            case 0x09 or 0x0A or 0x0C or 0x0D or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD:
                Append(new Rune(' '), output);
                break;
            default:
                Append(rune, output);
                break;
        }
    }
}
