namespace Ration.Tokenizers.Unigram;

/// <summary>A prefix tree over byte strings. The children of a node lie side by side, so a step is one search in a few bytes.</summary>
internal sealed class PieceTrie
{
    /// <summary>The node before any byte.</summary>
    public const int Root = 0;

    /// <summary>No such node, or no value.</summary>
    public const int None = -1;

    private readonly byte[] _labels;
    private readonly int[] _children;
    private readonly int[] _values;

    /// <summary>Indexes some pieces; where two are equal the first counts, and empty ones never match.</summary>
    /// <param name="pieces">UTF-8 bytes.</param>
    /// <param name="values">What each leads to, not negative.</param>
    public PieceTrie(ReadOnlySpan<byte[]> pieces, ReadOnlySpan<int> values)
    {
        int[] order = new int[pieces.Length];
        for (int i = 0; i < order.Length; i++) order[i] = i;
        byte[][] sorted = pieces.ToArray();
        Array.Sort(order, (a, b) => sorted[a].AsSpan().SequenceCompareTo(sorted[b]) is var c and not 0 ? c : a.CompareTo(b));
        int nodes = 1 + CountNodes(sorted, order);
        _labels = new byte[nodes];
        _children = new int[nodes + 1];
        _values = new int[nodes];
        Array.Fill(_values, None);
        Build(sorted, order, values);
    }

    /// <summary>The node that <paramref name="label"/> leads to, or <see cref="None"/>.</summary>
    public int Step(int node, byte label)
    {
        int first = _children[node];
        int at = _labels.AsSpan(first, _children[node + 1] - first).IndexOf(label);
        return at < 0 ? None : first + at;
    }

    /// <summary>The value of the piece that ends at a node, or <see cref="None"/>.</summary>
    public int Value(int node) => _values[node];

    private static int CountNodes(byte[][] pieces, int[] order)
    {
        int nodes = 0;
        for (int i = 0; i < order.Length; i++)
        {
            byte[] piece = pieces[order[i]];
            nodes += piece.Length - (i == 0 ? 0 : piece.AsSpan().CommonPrefixLength(pieces[order[i - 1]]));
        }

        return nodes;
    }

    // Level by level: a node is a range of the sorted pieces that agree so far.
    private void Build(byte[][] pieces, int[] order, ReadOnlySpan<int> values)
    {
        int[] starts = new int[_labels.Length], ends = new int[_labels.Length];
        ends[0] = order.Length;
        int count = 1, level = 0, levelEnd = 1;
        for (int node = 0; node < count; node++)
        {
            if (node == levelEnd) (level, levelEnd) = (level + 1, count);
            _children[node] = count;
            int at = starts[node];
            if (node > 0 && pieces[order[at]].Length == level) _values[node] = values[order[at]];
            while (at < ends[node] && pieces[order[at]].Length == level) at++;
            while (at < ends[node])
            {
                byte label = pieces[order[at]][level];
                starts[count] = at;
                while (at < ends[node] && pieces[order[at]][level] == label) at++;
                ends[count] = at;
                _labels[count++] = label;
            }
        }

        _children[count] = count;
    }
}
