using System.Text;

namespace Ration.Inference.Sampling;

/// <summary>
/// Ends a streamed text before the first of some strings. What may be the beginning of one is held back until it is clear that it is none,
/// so that no part of a stop string is ever handed on. Time is linear in the text (Knuth, Morris and Pratt 1977).
/// </summary>
public sealed class StopStrings
{
    private const int MostStrings = 64;
    private const int LongestString = 4096;
    private readonly string[] _stops;
    private readonly int[][] _failures;
    private readonly int[] _matched;
    private readonly StringBuilder _held = new();

    /// <summary>A matcher of these strings, compared code unit by code unit.</summary>
    /// <exception cref="InvalidInputException">A string is empty or too long, or there are too many.</exception>
    public StopStrings(IReadOnlyList<string> stops)
    {
        if (stops.Count > MostStrings) throw new InvalidInputException($"{stops.Count} stop strings: give at most {MostStrings}");
        foreach (string stop in stops)
        {
            if (stop.Length is 0 or > LongestString) throw new InvalidInputException($"a stop string has {stop.Length} characters: give 1 to {LongestString}");
        }

        _stops = [.. stops];
        _failures = [.. _stops.Select(Failures)];
        _matched = new int[_stops.Length];
    }

    /// <summary>The string that ended the text, or null if none has.</summary>
    public string? Found { get; private set; }

    /// <summary>Takes a piece of text in, and returns what can be handed on: nothing any more once a stop string was found.</summary>
    public string Append(string piece)
    {
        if (Found is not null) return "";
        if (_stops.Length == 0) return piece;
        foreach (char c in piece)
        {
            _held.Append(c);
            int found = -1;
            for (int i = 0; i < _stops.Length; i++)
            {
                if (Advance(i, c) && (found < 0 || _stops[i].Length > _stops[found].Length)) found = i;
            }

            if (found < 0) continue;
            Found = _stops[found];
            _held.Length -= Found.Length;
            return TakeHeld(_held.Length);
        }

        return TakeHeld(_held.Length - _matched.Max());
    }

    /// <summary>What was held back, at the end of a text in which no stop string was completed.</summary>
    public string Finish() => Found is null ? TakeHeld(_held.Length) : "";

    /// <summary>Begins another text.</summary>
    public void Reset()
    {
        Found = null;
        _held.Clear();
        Array.Clear(_matched);
    }

    private string TakeHeld(int count)
    {
        if (count == 0) return "";
        string text = _held.ToString(0, count);
        _held.Remove(0, count);
        return text;
    }

    // The longest beginning of the string that the text ends with.
    private bool Advance(int index, char c)
    {
        string stop = _stops[index];
        int matched = _matched[index];
        while (matched > 0 && stop[matched] != c) matched = _failures[index][matched - 1];
        if (stop[matched] == c) matched++;
        _matched[index] = matched;
        return matched == stop.Length;
    }

    // For each beginning of the string, the longest shorter beginning that it ends with.
    private static int[] Failures(string stop)
    {
        int[] failures = new int[stop.Length];
        for (int i = 1, matched = 0; i < stop.Length; i++)
        {
            while (matched > 0 && stop[matched] != stop[i]) matched = failures[matched - 1];
            if (stop[matched] == stop[i]) matched++;
            failures[i] = matched;
        }

        return failures;
    }
}
