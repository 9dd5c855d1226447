namespace Ration.Tokenizers.PreTokenizers;

/// <summary>Spaces up to the last line break among them: <c>\s*[\r\n]+</c>.</summary>
internal sealed class LineBreakRule : SplitRule
{
    /// <inheritdoc/>
    public override int Match(ref TextCursor text, int at)
    {
        int end = -1;
        while (true)
        {
            CharacterClasses classes = text.Peek(at, out int length);
            if ((classes & CharacterClasses.Space) == 0) return end;
            at += length;
            if ((classes & CharacterClasses.LineBreak) != 0) end = at;
        }
    }
}
