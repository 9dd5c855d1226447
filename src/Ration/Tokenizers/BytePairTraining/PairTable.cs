using System.Runtime.InteropServices;

namespace Ration.Tokenizers.BytePairTraining;

/// <summary>How often each pair of neighbours occurs and where, with the most frequent at hand. Equal counts go by the lower ids.</summary>
internal sealed class PairTable
{
    private readonly Dictionary<long, Entry> _entries = [];
    private readonly PriorityQueue<long, (long NegatedCount, long Pair)> _queue = new();
    private readonly HashSet<long> _grown = [];

    /// <summary>Counts a pair <paramref name="weight"/> times more, at a position.</summary>
    public void Add(int first, int second, long weight, int position)
    {
        long pair = Key(first, second);
        ref Entry? entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_entries, pair, out _);
        entry ??= new Entry();
        entry.Count += weight;
        entry.Positions.Add(position);
        _grown.Add(pair);
    }

    /// <summary>Counts a pair <paramref name="weight"/> times less.</summary>
    public void Remove(int first, int second, long weight)
    {
        if (_entries.TryGetValue(Key(first, second), out Entry? entry)) entry.Count -= weight;
    }

    /// <summary>Makes what was added known to <see cref="TryTake"/>.</summary>
    public void Settle()
    {
        foreach (long pair in _grown)
        {
            if (_entries.TryGetValue(pair, out Entry? entry) && entry.Count > 0) _queue.Enqueue(pair, (-entry.Count, pair));
        }

        _grown.Clear();
    }

    /// <summary>Takes out the most frequent pair.</summary>
    /// <param name="first">Its first id.</param>
    /// <param name="second">Its second id.</param>
    /// <param name="count">How often it occurs.</param>
    /// <param name="positions">Where, ascending; some may be out of date.</param>
    public bool TryTake(out int first, out int second, out long count, out List<int> positions)
    {
        while (_queue.TryDequeue(out long pair, out (long NegatedCount, long Pair) priority))
        {
            if (!_entries.TryGetValue(pair, out Entry? entry)) continue;
            if (entry.Count != -priority.NegatedCount)
            {
                // It became rarer since; one that became more frequent was queued again when it did.
                if (entry.Count > 0 && entry.Count < -priority.NegatedCount) _queue.Enqueue(pair, (-entry.Count, pair));
                continue;
            }

            _entries.Remove(pair);
            entry.Positions.Sort();
            (first, second, count, positions) = ((int)(pair >> 32), (int)pair, entry.Count, entry.Positions);
            return true;
        }

        (first, second, count, positions) = (0, 0, 0, []);
        return false;
    }

    private static long Key(int first, int second) => ((long)first << 32) | (uint)second;

    private sealed class Entry
    {
        public long Count { get; set; }

        public List<int> Positions { get; } = [];
    }
}
