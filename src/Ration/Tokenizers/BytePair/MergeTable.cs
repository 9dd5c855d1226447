using System.Numerics;
using Ration.Tokenizers.Merging;

namespace Ration.Tokenizers.BytePair;

/// <summary>The merges of a byte-pair vocabulary: which two tokens become which third, in the order in which they were learnt.</summary>
public sealed class MergeTable
{
    private const uint Empty = uint.MaxValue;
    private readonly TokenVocabulary _vocabulary;
    private readonly int[] _symbols = new int[256];
    private Entry[] _entries;
    private int _count;
    private int _rank;

    private struct Entry
    {
        public ulong Pair;
        public uint Rank;
        public int Merged;
    }

    /// <summary>A table without merges.</summary>
    /// <param name="vocabulary">Has the tokens that merge and what they become.</param>
    /// <param name="capacity">How many merges are expected.</param>
    public MergeTable(TokenVocabulary vocabulary, int capacity = 0)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        _vocabulary = vocabulary;
        _entries = new Entry[BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(capacity, 8, TokenVocabulary.MaxCount)) * 2];
        foreach (ref Entry entry in _entries.AsSpan()) entry.Rank = Empty;
        for (int value = 0; value < 256; value++) _symbols[value] = vocabulary.Find([(byte)value]);
    }

    /// <summary>How many merges there are.</summary>
    public int Count => _count;

    /// <summary>The token of a single byte; −1 if there is none.</summary>
    public int Symbol(byte value) => _symbols[value];

    /// <summary>
    /// Adds the next merge. One whose parts or result are no tokens is passed over: it could only make text that the vocabulary cannot say.
    /// </summary>
    /// <returns>Whether it was added.</returns>
    public bool Add(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        uint rank = (uint)_rank++;
        if (left.Length + right.Length > TokenVocabulary.MaxTokenBytes) return false;
        Span<byte> both = stackalloc byte[left.Length + right.Length];
        left.CopyTo(both);
        right.CopyTo(both[left.Length..]);
        int leftToken = _vocabulary.Find(left), rightToken = _vocabulary.Find(right), merged = _vocabulary.Find(both);
        if (leftToken < 0 || rightToken < 0 || merged < 0) return false;
        if (2 * (_count + 1) > _entries.Length) Grow();
        ref Entry entry = ref Place(Pair(leftToken, rightToken));
        if (entry.Rank != Empty) return false;
        entry = new Entry { Pair = Pair(leftToken, rightToken), Rank = rank, Merged = merged };
        _count++;
        return true;
    }

    /// <summary>What two tokens become, and how soon (the least first); false if they do not merge.</summary>
    public bool TryGet(int left, int right, out uint rank, out int merged)
    {
        ref Entry entry = ref Place(Pair(left, right));
        (rank, merged) = (entry.Rank, entry.Merged);
        return rank != Empty;
    }

    /// <summary>The tokens that merge, first learnt first.</summary>
    public IReadOnlyList<(int Left, int Right, int Merged)> InOrder()
    {
        Entry[] entries = [.. _entries.Where(static e => e.Rank != Empty)];
        Array.Sort(entries, static (a, b) => a.Rank.CompareTo(b.Rank));
        return [.. entries.Select(static e => ((int)(e.Pair >> 32), (int)(uint)e.Pair, e.Merged))];
    }

    private static ulong Pair(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private ref Entry Place(ulong pair)
    {
        Entry[] entries = _entries;
        for (uint slot = ByteHash.Of(pair); ; slot++)
        {
            ref Entry entry = ref entries[slot & (uint)(entries.Length - 1)];
            if (entry.Pair == pair || entry.Rank == Empty) return ref entry;
        }
    }

    private void Grow()
    {
        Entry[] old = _entries;
        _entries = new Entry[old.Length * 2];
        foreach (ref Entry entry in _entries.AsSpan()) entry.Rank = Empty;
        foreach (ref Entry entry in old.AsSpan()) if (entry.Rank != Empty) Place(entry.Pair) = entry;
    }
}
