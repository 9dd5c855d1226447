namespace Ration.Tokenizers.PreTokenizers;

/// <summary>ASCII characters of one range between fixed texts: <c>start[first-last]{1,maximum}end</c>.</summary>
/// <param name="start">What comes before them.</param>
/// <param name="first">The first character of the range.</param>
/// <param name="last">The last one.</param>
/// <param name="maximum">How many there are at most.</param>
/// <param name="end">What comes after them; not in the range, so that no match could be had with fewer of them.</param>
internal sealed class MarkRule(string start, char first, char last, int maximum, char end) : SplitRule
{
    /// <inheritdoc/>
    public override int Match(ref TextCursor text, int at)
    {
        foreach (char expected in start)
            if (text.PeekByte(at++) != expected) return -1;
        int body = at;
        while (at - body < maximum && IsInside(text.PeekByte(at))) at++;
        return at > body && text.PeekByte(at) == end ? at + 1 : -1;
    }

    private bool IsInside(int character) => character >= first && character <= last;
}
