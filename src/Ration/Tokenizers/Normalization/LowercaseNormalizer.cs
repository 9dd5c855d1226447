using System.Buffers;
using System.Text;

namespace Ration.Tokenizers.Normalization;

/// <summary>Lower case without regard to language or context.</summary>
internal sealed class LowercaseNormalizer : CharacterNormalizer
{
    private static readonly Rune s_dottedCapitalI = new(0x130);

    /// <inheritdoc/>
    protected override void Write(Rune rune, IBufferWriter<byte> output)
    {
        // The one character whose lower case is two.
        if (rune == s_dottedCapitalI) output.Write("i\u0307"u8);
        else Append(Rune.ToLowerInvariant(rune), output);
    }
}
