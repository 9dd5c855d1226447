namespace Ration.Tokenizers.BytePairTraining;

/// <summary>
/// All different words as one row of symbols, linked to their neighbours. A merge touches only the places where its pair stands, so the
/// work of a whole training is that of its merges and not of its passes over the text.
/// </summary>
internal sealed class PairMerger
{
    private const int None = -1;
    private const int Dead = -1;

    private readonly int[] _symbols;
    private readonly int[] _previous;
    private readonly int[] _next;
    private readonly int[] _words;
    private readonly long[] _weights;
    private readonly PairTable _pairs = new();

    /// <summary>Takes the words apart.</summary>
    /// <param name="words">Different byte strings and how often each occurs.</param>
    /// <param name="byteIds">The id of each byte.</param>
    /// <exception cref="InvalidInputException">The different words have more than two thousand million bytes.</exception>
    public PairMerger(IReadOnlyCollection<KeyValuePair<byte[], long>> words, ReadOnlySpan<int> byteIds)
    {
        long total = words.Sum(static word => (long)word.Key.Length);
        if (total > Array.MaxLength)
            throw new InvalidInputException($"the different words of the text have {total} bytes together, more than a tokenizer can be trained on; give less text");
        _symbols = new int[total];
        _previous = new int[total];
        _next = new int[total];
        _words = new int[total];
        _weights = new long[words.Count];
        int at = 0, index = 0;
        foreach ((byte[] word, long weight) in words)
        {
            _weights[index] = weight;
            for (int i = 0; i < word.Length; i++, at++)
            {
                (_symbols[at], _words[at]) = (byteIds[word[i]], index);
                (_previous[at], _next[at]) = (i == 0 ? None : at - 1, i == word.Length - 1 ? None : at + 1);
                if (i > 0) _pairs.Add(_symbols[at - 1], _symbols[at], weight, at - 1);
            }

            index++;
        }

        _pairs.Settle();
    }

    /// <summary>The most frequent pair, if it occurs often enough; it must be merged before the next is asked for.</summary>
    public bool TryFind(long minimumCount, out int first, out int second, out List<int> positions) =>
        _pairs.TryTake(out first, out second, out long count, out positions) && count >= minimumCount;

    /// <summary>Joins a pair wherever it stands, from left to right.</summary>
    public void Merge(int first, int second, List<int> positions, int merged)
    {
        foreach (int at in positions)
        {
            int other = _next[at];
            if (_symbols[at] != first || other == None || _symbols[other] != second) continue;
            long weight = _weights[_words[at]];
            int before = _previous[at], after = _next[other];
            if (before != None)
            {
                _pairs.Remove(_symbols[before], first, weight);
                _pairs.Add(_symbols[before], merged, weight, before);
            }

            if (after != None)
            {
                _pairs.Remove(second, _symbols[after], weight);
                _pairs.Add(merged, _symbols[after], weight, at);
                _previous[after] = at;
            }

            (_symbols[at], _next[at]) = (merged, after);
            (_symbols[other], _next[other]) = (Dead, None);
        }

        _pairs.Settle();
    }
}
