using System.Text;
using Ration.Tokenizers.Merging;

namespace Ration.Tokenizers.Normalization;

/// <summary>Places at which a text can be cut before it is normalized: before runs of spaces, where the character before is none that may
/// itself become a space.</summary>
internal static class SpaceCuts
{
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
}
