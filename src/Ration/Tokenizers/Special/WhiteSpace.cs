using System.Buffers;
using System.Text;

namespace Ration.Tokenizers.Special;

/// <summary>The white space beside added tokens: every character that Unicode calls so.</summary>
internal static class WhiteSpace
{
    /// <summary>A text without the white space before it.</summary>
    public static ReadOnlySpan<byte> TrimStart(ReadOnlySpan<byte> text)
    {
        while (Rune.DecodeFromUtf8(text, out Rune rune, out int bytes) == OperationStatus.Done && Rune.IsWhiteSpace(rune)) text = text[bytes..];
        return text;
    }

    /// <summary>A text without the white space after it.</summary>
    public static ReadOnlySpan<byte> TrimEnd(ReadOnlySpan<byte> text)
    {
        while (Rune.DecodeLastFromUtf8(text, out Rune rune, out int bytes) == OperationStatus.Done && Rune.IsWhiteSpace(rune)) text = text[..^bytes];
        return text;
    }

    /// <summary>A text that goes on, without what may turn out to be white space before an added token.</summary>
    public static ReadOnlySpan<byte> TrimUncertainEnd(ReadOnlySpan<byte> text)
    {
        for (int last = 1; last <= Math.Min(3, text.Length); last++)
        {
            if (IsCutOff(text[^last..])) return TrimEnd(text[..^last]);
        }

        return TrimEnd(text);
    }

    /// <summary>Whether a text is the beginning of a character and no more.</summary>
    public static bool IsCutOff(ReadOnlySpan<byte> text) => !text.IsEmpty && Rune.DecodeFromUtf8(text, out _, out int bytes) == OperationStatus.NeedMoreData && bytes == text.Length;
}
