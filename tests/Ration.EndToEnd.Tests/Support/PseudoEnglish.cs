using System.Text;

namespace Ration.EndToEnd.Tests.Support;

/// <summary>Text with the look of English and something to learn in it: always the same for the same seed.</summary>
internal static class PseudoEnglish
{
    private static readonly string[] s_words =
    [
        "the", "a", "of", "and", "house", "river", "old", "man", "sea", "light", "walked", "slowly", "morning", "under", "bread",
        "winter", "garden", "stone", "small", "great", "told", "her", "his", "was", "had", "never", "through", "window", "quiet", "said",
    ];

    /// <summary>Writes so many ASCII characters.</summary>
    public static string Write(int length, int seed)
    {
        StringBuilder text = new(length + 16);
        uint state = ((uint)seed * 2654435761) | 1;
        while (text.Length < length)
        {
            state = (state * 1664525) + 1013904223;
            text.Append(s_words[(state >> 16) % s_words.Length]).Append((state >> 28) switch { 0 => ".\n", 1 => ", ", _ => " " });
        }

        return text.ToString(0, length);
    }
}
