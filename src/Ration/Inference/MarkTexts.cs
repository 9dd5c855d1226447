using System.Buffers;
using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Inference;

/// <summary>The texts of marks that nobody but a template may write into a conversation.</summary>
internal sealed class MarkTexts
{
    private readonly string[] _byLength;
    private readonly SearchValues<string> _texts;
    private readonly string[] _forwards;
    private readonly string[] _backwards;

    /// <summary>Marks with these texts.</summary>
    public MarkTexts(IEnumerable<string> texts)
    {
        _byLength = [.. texts.Distinct(StringComparer.Ordinal).OrderByDescending(static t => t.Length)];
        _texts = SearchValues.Create(_byLength, StringComparison.Ordinal);
        _forwards = [.. _byLength.Order(StringComparer.Ordinal)];
        _backwards = [.. _byLength.Select(static t => string.Concat(t.Reverse())).Order(StringComparer.Ordinal)];
    }

    private int LongestPart => _byLength.Length == 0 ? 0 : _byLength[0].Length - 1;

    /// <summary>The first place where a text spells out a mark.</summary>
    /// <param name="text">The text.</param>
    /// <param name="length">How long the longest mark is that begins there.</param>
    /// <returns>The place, or −1.</returns>
    public int Find(ReadOnlySpan<char> text, out int length)
    {
        length = 0;
        int at = _byLength.Length == 0 ? -1 : text.IndexOfAny(_texts);
        if (at < 0) return -1;
        foreach (string candidate in _byLength)
        {
            if (!text[at..].StartsWith(candidate, StringComparison.Ordinal)) continue;
            length = candidate.Length;
            break;
        }

        return at;
    }

    /// <summary>What a text begins with, white space aside, that would be a mark if the right text came before it.</summary>
    public (int Start, int Length) FindEnd(ReadOnlySpan<char> text)
    {
        int start = 0;
        while (start < text.Length && PythonText.IsSpace(text[start])) start++;
        foreach (int from in (ReadOnlySpan<int>)[0, start])
        {
            int longest = Math.Min(LongestPart, text.Length - from);
            char[] reversed = text.Slice(from, longest).ToArray();
            Array.Reverse(reversed);
            for (int length = longest; length > 0; length--)
                if (IsEdge(text[from + length - 1]) && IsBoundary(text, from + length) && AnyBeginsWith(_backwards, reversed.AsSpan(longest - length))) return (from, length);
        }

        return default;
    }

    /// <summary>What a text ends with, white space aside, that would be a mark if the right text came after it.</summary>
    public (int Start, int Length) FindBeginning(ReadOnlySpan<char> text)
    {
        int end = text.Length;
        while (end > 0 && PythonText.IsSpace(text[end - 1])) end--;
        foreach (int to in (ReadOnlySpan<int>)[text.Length, end])
        {
            for (int length = Math.Min(LongestPart, to); length > 0; length--)
                if (IsEdge(text[to - length]) && IsBoundary(text, to - length) && AnyBeginsWith(_forwards, text.Slice(to - length, length))) return (to - length, length);
        }

        return default;
    }

    // Words, such as the names of roles that templates ask for, are left as they are.
    private static bool IsEdge(char c) => !char.IsLetterOrDigit(c);

    private static bool IsBoundary(ReadOnlySpan<char> text, int at) => at == 0 || at == text.Length || !char.IsSurrogatePair(text[at - 1], text[at]);

    private static bool AnyBeginsWith(string[] sorted, ReadOnlySpan<char> part)
    {
        (int low, int high) = (0, sorted.Length);
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (sorted[middle].AsSpan().SequenceCompareTo(part) < 0) low = middle + 1;
            else high = middle;
        }

        return low < sorted.Length && sorted[low].AsSpan().StartsWith(part, StringComparison.Ordinal);
    }
}
