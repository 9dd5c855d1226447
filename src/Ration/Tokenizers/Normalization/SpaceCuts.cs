using System.Buffers;
using System.Text;
using Ration.Tokenizers.Merging;

namespace Ration.Tokenizers.Normalization;

/// <summary>Places at which a text can be cut before it is normalized: before runs of spaces, where the character before is none that may
/// itself become a space.</summary>
internal static class SpaceCuts
{
    /// <summary>Whether text can become a token that has such a place inside; then it must not be cut at any.</summary>
    public static bool AreInside(TokenVocabulary vocabulary)
    {
        for (int id = 0; id < vocabulary.Count; id++)
            if (vocabulary.Kind(id) is TokenKind.Normal or TokenKind.UserDefined && IsInside(vocabulary.Bytes(id))) return true;
        return false;
    }

    /// <summary>Adds the ends of the parts of a text that do not influence each other, and its end if it is final.</summary>
    public static void Add(ReadOnlySpan<byte> text, bool isFinal, PieceList pieces)
    {
        for (int at = 1; at < text.Length; at++)
        {
            int space = text[at..].IndexOf((byte)' ');
            if (space < 0) break;
            at += space;
            _ = Rune.DecodeLastFromUtf8(text[..at], out Rune before, out _);
            if (Rune.IsLetterOrDigit(before) || (before.IsAscii && before.Value > ' ')) pieces.Add(at);
        }

        if (isFinal && !text.IsEmpty) pieces.Add(text.Length);
    }

    // A normalizer may have written what is before the space, so that any character counts but white space.
    private static bool IsInside(ReadOnlySpan<byte> token)
    {
        for (int at = 1; at < token.Length; at++)
        {
            int space = token[at..].IndexOf((byte)' ');
            if (space < 0) return false;
            at += space;
            if (Rune.DecodeLastFromUtf8(token[..at], out Rune before, out _) == OperationStatus.Done && !Rune.IsWhiteSpace(before)) return true;
        }

        return false;
    }
}
