namespace Ration.Tokenizers.PreTokenizers;

/// <summary>Spaces at the end of the text: <c>\s+$</c>. The only rule of its stage.</summary>
internal sealed class FinalSpaceRule : SplitRule
{
    private static readonly CharacterSet s_spaces = CharacterSet.Of(CharacterClasses.Space);

    /// <inheritdoc/>
    public override int Match(ref TextCursor text, int at)
    {
        // After a space there can be none: the match would have begun there. Saying so keeps a long run from being read from each of its characters.
        if (EndsInSpace(text.Text[..at])) return -1;
        int end = text.EndOfRun(at, s_spaces);
        return end > at && (text.Peek(end, out _) & CharacterClasses.End) != 0 ? end : -1;
    }

    private static bool EndsInSpace(ReadOnlySpan<byte> text)
    {
        int start = text.Length - 1;
        while (start > 0 && text.Length - start < 4 && (text[start] & 0xC0) == 0x80) start--;
        return start >= 0 && CharacterTable.TryFirst(text[start..], out CharacterClasses last, out int length) && start + length == text.Length
            && (last & CharacterClasses.Space) != 0;
    }
}
