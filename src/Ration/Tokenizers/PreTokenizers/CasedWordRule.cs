namespace Ration.Tokenizers.PreTokenizers;

/// <summary>
/// Words that begin with capitals and go on in small letters, either of which may be missing, and that end where capitals begin anew:
/// <c>[^\r\n\p{L}\p{N}]?U*l+|[^\r\n\p{L}\p{N}]?U+l*</c>, where U is <c>[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]</c> and l is
/// <c>[\p{Ll}\p{Lm}\p{Lo}\p{M}]</c>, so letters without case are both.
/// </summary>
/// <param name="ending">What may follow.</param>
internal sealed class CasedWordRule(SplitRule? ending = null) : SplitRule
{
    private static readonly CharacterSet s_lead = CharacterSet.Not(CharacterClasses.LineBreak | CharacterClasses.Letter | CharacterClasses.Number);
    private static readonly CharacterSet s_upper = CharacterSet.Of(CharacterClasses.Upper | CharacterClasses.Caseless | CharacterClasses.Mark);
    private static readonly CharacterSet s_lower = CharacterSet.Of(CharacterClasses.Lower | CharacterClasses.Caseless | CharacterClasses.Mark);

    /// <inheritdoc/>
    public override int Match(ref TextCursor text, int at)
    {
        bool hasLead = s_lead.Contains(text.Peek(at, out int length));
        int end = hasLead ? MatchLower(ref text, at + length) : -1;
        if (end < 0) end = MatchLower(ref text, at);
        if (end < 0 && hasLead) end = MatchUpper(ref text, at + length);
        if (end < 0) end = MatchUpper(ref text, at);
        return end >= 0 && ending?.Match(ref text, end) is >= 0 and int after ? after : end;
    }

    // U*l+
    private static int MatchLower(ref TextCursor text, int at)
    {
        int afterBoth = -1;
        while (true)
        {
            CharacterClasses classes = text.Peek(at, out int length);
            if (!s_upper.Contains(classes))
            {
                // Where no small letter follows the capitals, the last letter among them without case is the l.
                return s_lower.Contains(classes) ? text.EndOfRun(at, s_lower) : afterBoth;
            }

            at += length;
            if (s_lower.Contains(classes)) afterBoth = at;
        }
    }

    // U+l*
    private static int MatchUpper(ref TextCursor text, int at)
    {
        int end = text.EndOfRun(at, s_upper);
        return end > at ? text.EndOfRun(end, s_lower) : -1;
    }
}
