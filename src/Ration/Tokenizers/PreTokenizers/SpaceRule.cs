namespace Ration.Tokenizers.PreTokenizers;

/// <summary>Spaces but for the last, which goes with the word after it; all of them where no word comes: <c>\s+(?!\S)</c>.</summary>
internal sealed class SpaceRule : SplitRule
{
    /// <inheritdoc/>
    public override int Match(ref TextCursor text, int at)
    {
        int start = at, last = at;
        while (true)
        {
            CharacterClasses classes = text.Peek(at, out int length);
            if ((classes & CharacterClasses.Space) == 0)
            {
                int end = (classes & CharacterClasses.End) != 0 ? at : last;
                return end > start ? end : -1;
            }

            last = at;
            at += length;
        }
    }
}
