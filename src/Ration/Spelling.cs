namespace Ration;

/// <summary>What somebody may have meant who wrote a word that does not exist.</summary>
public static class Spelling
{
    private const int LongestWord = 64;

    /// <summary>A question for a message, such as <c> (did you mean adamw?)</c>; empty where no word is near.</summary>
    /// <param name="word">What was written.</param>
    /// <param name="known">The words that exist.</param>
    public static string Suggestion(string word, IEnumerable<string> known) => Nearest(word, known) is { } nearest ? $" (did you mean {nearest}?)" : "";

    /// <summary>The word that takes the fewest changes to get to, if those are few: one, and one more for each four letters.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        if (word.Length is 0 or > LongestWord) return null;
        (string? nearest, int fewest) = (null, 1 + (word.Length / 4));
        foreach (string candidate in known)
        {
            int changes = Changes(word.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (changes < fewest || (changes == fewest && nearest is null)) (nearest, fewest) = (candidate, changes);
        }

        return nearest;
    }

    // Letters that are put in, left out, written for another, or change places with the next (optimal string alignment).
    private static int Changes(string a, string b)
    {
        int[] before = new int[b.Length + 1], last = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int[] next = new int[b.Length + 1];
            next[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                next[j] = Math.Min(Math.Min(next[j - 1], last[j]) + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) next[j] = Math.Min(next[j], before[j - 2] + 1);
            }

            (before, last) = (last, next);
        }

        return last[b.Length];
    }
}
