using System.Buffers;

namespace Ration.Tokenizers.Special;

/// <summary>Finds added tokens in a text: the leftmost, and of those that start there the longest.</summary>
internal sealed class AddedTokenMatcher
{
    // What a look at one place of a text may cost at most.
    private const int MaxBytes = 1024;
    private readonly Dictionary<int, int> _children = [];
    private readonly List<AddedToken?> _nodes = [null];
    private readonly SearchValues<byte> _firstBytes;

    /// <summary>A matcher of these tokens; of two with the same text the first.</summary>
    /// <exception cref="InvalidInputException">One is empty or too long.</exception>
    public AddedTokenMatcher(IEnumerable<AddedToken> tokens)
    {
        var firstBytes = new HashSet<byte>();
        foreach (AddedToken token in tokens)
        {
            if (token.Text.Length is 0 or > MaxBytes)
                throw new InvalidInputException($"the added token {token.Id} is {token.Text.Length} bytes long; Ration reads added tokens of 1 to {MaxBytes} bytes");
            int node = 0;
            foreach (byte b in token.Text)
            {
                if (!_children.TryGetValue(Key(node, b), out int child))
                {
                    if (_nodes.Count >= int.MaxValue / 256) throw new InvalidInputException("the added tokens are too many; Ration reads up to eight million bytes of them");
                    child = _nodes.Count;
                    _children[Key(node, b)] = child;
                    _nodes.Add(null);
                }

                node = child;
            }

            _nodes[node] ??= token;
            firstBytes.Add(token.Text[0]);
            HasSpacesBefore |= token.TakesSpacesBefore;
        }

        _firstBytes = SearchValues.Create([.. firstBytes]);
    }

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _nodes.Count == 1;

    /// <summary>Whether any takes the spaces before it.</summary>
    public bool HasSpacesBefore { get; }

    /// <summary>Finds the next one.</summary>
    /// <param name="text">Where.</param>
    /// <param name="isFinal">Whether the text ends, or goes on unseen.</param>
    /// <param name="start">Where it starts; where there is none: the offset before which none starts, the length of the text or less if
    /// one may start there.</param>
    public AddedToken? Find(ReadOnlySpan<byte> text, bool isFinal, out int start)
    {
        for (start = 0; ; start++)
        {
            int next = IsEmpty ? -1 : text[start..].IndexOfAny(_firstBytes);
            start = next < 0 ? text.Length : start + next;
            if (next < 0) return null;
            AddedToken? found = Longest(text[start..], out bool sawEnd);
            if (sawEnd && !isFinal) return null;
            if (found is not null) return found;
        }
    }

    private static int Key(int node, byte next) => (node << 8) | next;

    private AddedToken? Longest(ReadOnlySpan<byte> text, out bool sawEnd)
    {
        AddedToken? found = null;
        int node = 0;
        sawEnd = false;
        foreach (byte b in text)
        {
            if (!_children.TryGetValue(Key(node, b), out node)) return found;
            found = _nodes[node] ?? found;
        }

        sawEnd = true;
        return found;
    }
}
