using System.Buffers;
using System.Globalization;
using System.Text;

namespace Ration.Tokenizers.Normalization;

/// <summary>What BERT does to text before it looks for words (Devlin et al. 2019, the released <c>BasicTokenizer</c>).</summary>
/// <param name="clean">Drop control characters and make every white character a space.</param>
/// <param name="separateIdeographs">Put spaces around Chinese characters, which makes each a word.</param>
/// <param name="stripAccents">Take characters apart and drop the accents.</param>
/// <param name="lowercase">Make it lower case.</param>
internal sealed class BertNormalizer(bool clean, bool separateIdeographs, bool stripAccents, bool lowercase) : ITextNormalizer
{
    private readonly NormalizerSequence _parts = new([
        new CleanNormalizer(clean, separateIdeographs),
        .. stripAccents ? (ITextNormalizer[])[new UnicodeNormalizer(UnicodeForm.Nfd), new StripAccentsNormalizer(onlyNonspacing: true)] : [],
        .. lowercase ? (ITextNormalizer[])[new LowercaseNormalizer()] : []]);

    /// <summary>Whether it does all four, as for models trained without regard to case.</summary>
    public bool DoesAll { get; } = clean && separateIdeographs && stripAccents && lowercase;

    /// <inheritdoc/>
    public void Normalize(ReadOnlySpan<byte> text, IBufferWriter<byte> output) => _parts.Normalize(text, output);

    /// <summary>Whether a character is one of the CJK ideographs that stand as words of their own.</summary>
    public static bool IsIdeograph(int point) => point is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF)
        or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B820 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF)
        or (>= 0x2F800 and <= 0x2FA1F);

    private sealed class CleanNormalizer(bool clean, bool separateIdeographs) : CharacterNormalizer
    {
        protected override void Write(Rune rune, IBufferWriter<byte> output)
        {
            if (clean && IsDropped(rune)) return;
            if (clean && Rune.IsWhiteSpace(rune))
            {
                output.Write(" "u8);
            }
            else if (separateIdeographs && IsIdeograph(rune.Value))
            {
                output.Write(" "u8);
                Append(rune, output);
                output.Write(" "u8);
            }
            else
            {
                Append(rune, output);
            }
        }

        // Three control characters count as white, the others go.
        private static bool IsDropped(Rune rune) => rune.Value is not ('\t' or '\n' or '\r') && (rune.Value is 0xFFFD || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control
            or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
    }
}
