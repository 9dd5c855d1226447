namespace Ration.Tokenizers.PreTokenizers;

/// <summary>English endings: <c>'s|'t|'re|'ve|'m|'ll|'d</c>.</summary>
/// <param name="ignoreCase">Whether capital letters do as well.</param>
internal sealed class ContractionRule(bool ignoreCase) : SplitRule
{
    /// <inheritdoc/>
    public override int Match(ref TextCursor text, int at)
    {
        if (text.PeekByte(at) != '\'') return -1;
        switch (Letter(ref text, at + 1))
        {
            case 's' or 't' or 'm' or 'd': return at + 2;
            case 'r' or 'v': return Letter(ref text, at + 2) == 'e' ? at + 3 : -1;
            case 'l': return Letter(ref text, at + 2) == 'l' ? at + 3 : -1;
            default: return -1;
        }
    }

    private int Letter(ref TextCursor text, int at)
    {
        int letter = text.PeekByte(at);
        return ignoreCase && letter is >= 'A' and <= 'Z' ? letter | 0x20 : letter;
    }
}
