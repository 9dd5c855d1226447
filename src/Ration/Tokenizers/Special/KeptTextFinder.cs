namespace Ration.Tokenizers.Special;

/// <summary>Finds added tokens in a text from its start to its end, but none that overlaps parts which stay text.</summary>
/// <param name="matcher">Finds them.</param>
/// <param name="kept">Where those parts begin and end, in order.</param>
internal struct KeptTextFinder(AddedTokenMatcher matcher, IReadOnlyList<(int Start, int End)> kept)
{
    private int _next;

    /// <summary>Finds the next one.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="from">Where to begin; never less than before.</param>
    /// <param name="start">Where it starts; the end of the text where there is none.</param>
    public AddedToken? Find(ReadOnlySpan<byte> text, int from, out int start)
    {
        for (; _next < kept.Count; _next++)
        {
            (int keptStart, int keptEnd) = kept[_next];
            if (from < keptStart && matcher.Find(text[from..keptStart], isFinal: true, out start) is { } before)
            {
                start += from;
                return before;
            }

            from = Math.Max(from, keptEnd);
        }

        AddedToken? added = matcher.Find(text[from..], isFinal: true, out start);
        start += from;
        return added;
    }
}
