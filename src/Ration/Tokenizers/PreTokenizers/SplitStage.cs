using Ration.Tokenizers.Merging;

namespace Ration.Tokenizers.PreTokenizers;

/// <summary>
/// One pass of a pre-tokenizer: what its rules match becomes pieces, and what lies between matches does too. At each place the first rule
/// that matches counts. No rule looks at what comes before, and the rest of a match is a match of itself, so a text can be taken up again
/// at the end of any piece.
/// </summary>
internal sealed class SplitStage
{
    private readonly SplitRule[] _rules;

    /// <summary>A stage.</summary>
    /// <param name="pattern">The published regular expression that the rules stand for.</param>
    /// <param name="rules">Its alternatives in order.</param>
    public SplitStage(string pattern, params SplitRule[] rules) => (Pattern, _rules) = (pattern, rules);

    /// <summary>The regular expression that this does the work of.</summary>
    public string Pattern { get; }

    /// <summary>Adds the ends of the pieces of a part of a text.</summary>
    /// <param name="text">The part.</param>
    /// <param name="offset">Where it starts.</param>
    /// <param name="isFinal">Whether it ends, or goes on unseen.</param>
    /// <param name="pieces">What is added to.</param>
    /// <returns>Where certainty ends: what lies between the last piece and this is surely in one piece, of which more may come.</returns>
    public int Split(ReadOnlySpan<byte> text, int offset, bool isFinal, PieceList pieces)
    {
        var cursor = new TextCursor(text, isFinal);
        int start = 0, at = 0;
        while (at < text.Length)
        {
            int end = Match(ref cursor, at);
            if (end > at && !cursor.SawOpenEnd)
            {
                if (at > start) pieces.Add(offset + at);
                pieces.Add(offset + end);
                start = at = end;
                continue;
            }

            cursor.Peek(at, out int length);
            if (cursor.SawOpenEnd) return offset + at;
            at += length;
        }

        if (isFinal && start < text.Length) pieces.Add(offset + text.Length);
        return offset + text.Length;
    }

    private int Match(ref TextCursor text, int at)
    {
        foreach (SplitRule rule in _rules)
        {
            int end = rule.Match(ref text, at);
            if (end >= 0 || text.SawOpenEnd) return end;
        }

        return -1;
    }
}
