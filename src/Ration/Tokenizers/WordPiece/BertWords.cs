using System.Text;

namespace Ration.Tokenizers.WordPiece;

/// <summary>Cuts normalized text into words and single punctuation marks and drops the white space between (BERT's
/// <c>BasicTokenizer</c>).</summary>
internal static class BertWords
{
    /// <summary>Takes the next word off the front of a text.</summary>
    /// <returns>The word, empty at the end.</returns>
    public static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> text)
    {
        int start = 0;
        Rune rune;
        while (Decode(text[start..], out rune, out int bytes) && IsWhite(rune)) start += bytes;
        text = text[start..];
        int end = 0;
        while (Decode(text[end..], out rune, out int bytes) && !IsWhite(rune))
        {
            bool single = IsPunctuation(rune);
            if (single && end > 0) break;
            end += bytes;
            if (single) break;
        }

        ReadOnlySpan<byte> word = text[..end];
        text = text[end..];
        return word;
    }

    /// <summary>Whether a character is a word of its own: punctuation, or any ASCII character that is neither letter, digit, white nor
    /// control.</summary>
    public static bool IsPunctuation(Rune rune) => rune.IsAscii
        ? rune.Value is (>= 33 and <= 47) or (>= 58 and <= 64) or (>= 91 and <= 96) or (>= 123 and <= 126)
        : Rune.IsPunctuation(rune);

    /// <summary>Whether a character separates words.</summary>
    public static bool IsWhite(Rune rune) => Rune.IsWhiteSpace(rune);

    private static bool Decode(ReadOnlySpan<byte> text, out Rune rune, out int bytes)
    {
        if (text.IsEmpty)
        {
            (rune, bytes) = (default, 0);
            return false;
        }

        _ = Rune.DecodeFromUtf8(text, out rune, out bytes);
        return true;
    }
}
