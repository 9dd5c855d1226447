namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Texts as Python sees them: made of code points, not of UTF-16 units.</summary>
internal static class PythonText
{
    /// <summary>Whether Python counts the character as whitespace.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    /// <summary>Whether there is nothing but whitespace.</summary>
    public static bool IsBlank(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!IsSpace(c)) return false;
        }

        return true;
    }

    /// <summary>Without whitespace, or without the given characters, at the start.</summary>
    public static string TrimStart(string text, string? characters = null)
    {
        int start = 0;
        while (start < text.Length && Trims(text[start], characters)) start++;
        return text[start..];
    }

    /// <summary>Without whitespace, or without the given characters, at the end.</summary>
    public static string TrimEnd(string text, string? characters = null)
    {
        int end = text.Length;
        while (end > 0 && Trims(text[end - 1], characters)) end--;
        return text[..end];
    }

    /// <summary>Without whitespace, or without the given characters, at both ends.</summary>
    public static string Trim(string text, string? characters = null) => TrimEnd(TrimStart(text, characters), characters);

    /// <summary>Whether a surrogate pair starts at the index.</summary>
    public static bool IsPair(string text, int index) => char.IsHighSurrogate(text[index]) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]);

    /// <summary>The number of code points.</summary>
    public static int Length(string text) => text.Length - Pairs(text, text.Length);

    /// <summary>The code points before a UTF-16 index.</summary>
    public static int IndexOfUnit(string text, int unit) => unit < 0 ? unit : unit - Pairs(text, unit);

    /// <summary>The UTF-16 index of a code point; the length of the text for those behind it.</summary>
    public static int UnitOf(string text, long index)
    {
        if (index >= text.Length) return text.Length;
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF')) return (int)index;
        int unit = 0;
        for (; index > 0 && unit < text.Length; index--) unit += IsPair(text, unit) ? 2 : 1;
        return unit;
    }

    /// <summary>The first character in capitals, the others small.</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0) return text;
        int first = IsPair(text, 0) ? 2 : 1;
        return Upper(text[..first]) + text[first..].ToLowerInvariant();
    }

    /// <summary>In capitals; ß, which has none, becomes SS.</summary>
    public static string Upper(string text) => text.ToUpperInvariant().Replace("ß", "SS", StringComparison.Ordinal);

    /// <summary>Order by code points.</summary>
    public static int Compare(string left, string right)
    {
        int common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length) return left.Length.CompareTo(right.Length);
        return Rank(left[common]).CompareTo(Rank(right[common]));
    }

    // Surrogates stand for code points above all others, but below U+E000 in UTF-16.
    private static int Rank(char c) => char.IsSurrogate(c) ? c + 0x10000 : c;

    private static bool Trims(char c, string? characters) => characters is null ? IsSpace(c) : characters.Contains(c, StringComparison.Ordinal);

    private static int Pairs(string text, int end)
    {
        if (!text.AsSpan(0, end).ContainsAnyInRange('\uD800', '\uDFFF')) return 0;
        int pairs = 0;
        for (int i = 0; i < end - 1; i++)
        {
            if (IsPair(text, i)) pairs++;
        }

        return pairs;
    }
}
