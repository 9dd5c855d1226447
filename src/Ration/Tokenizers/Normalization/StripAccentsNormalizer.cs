using System.Buffers;
using System.Globalization;
using System.Text;

namespace Ration.Tokenizers.Normalization;

/// <summary>Drops combining marks; accents must have been taken apart before.</summary>
/// <param name="onlyNonspacing">Whether marks that take room of their own, or enclose, stay.</param>
internal sealed class StripAccentsNormalizer(bool onlyNonspacing) : CharacterNormalizer
{
    /// <inheritdoc/>
    protected override void Write(Rune rune, IBufferWriter<byte> output)
    {
        UnicodeCategory category = rune.IsAscii ? UnicodeCategory.OtherSymbol : Rune.GetUnicodeCategory(rune);
        bool drop = category == UnicodeCategory.NonSpacingMark
            || (!onlyNonspacing && category is UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark);
        if (!drop) Append(rune, output);
    }
}
