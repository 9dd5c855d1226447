using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>What filters and methods of texts have in common, as Python's <c>str</c> does it.</summary>
internal static class TextOperations
{
    /// <summary>Replaces up to <paramref name="count"/> occurrences, or all where that is negative.</summary>
    public static string Replace(string text, string old, string replacement, long count, Budget budget)
    {
        if (count == 0) return text;
        if (old.Length == 0) return ReplaceEmpty(text, replacement, count, budget);
        List<string> parts = Split(text, old, count, budget);
        return parts.Count == 1 ? text : Join(replacement, parts, budget);
    }

    /// <summary>Splits at a separator, up to <paramref name="count"/> times, or always where that is negative.</summary>
    /// <exception cref="TemplateFault">The separator is empty.</exception>
    public static List<string> Split(string text, string separator, long count, Budget budget)
    {
        if (separator.Length == 0) throw new TemplateFault("the separator is empty");
        budget.Characters(text.Length);
        List<string> parts = [];
        int start = 0;
        for (int at; count != 0 && (at = text.IndexOf(separator, start, StringComparison.Ordinal)) >= 0; count--)
        {
            budget.Steps(1);
            parts.Add(text[start..at]);
            start = at + separator.Length;
        }

        parts.Add(text[start..]);
        return parts;
    }

    /// <summary>The same from the end.</summary>
    public static List<string> SplitFromEnd(string text, string separator, long count, Budget budget)
    {
        if (separator.Length == 0) throw new TemplateFault("the separator is empty");
        budget.Characters(text.Length);
        List<string> parts = [];
        int end = text.Length;
        for (int at; count != 0 && (at = text.AsSpan(0, end).LastIndexOf(separator, StringComparison.Ordinal)) >= 0; count--)
        {
            budget.Steps(1);
            parts.Add(text[(at + separator.Length)..end]);
            end = at;
        }

        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    /// <summary>Splits at whitespace, without empty parts.</summary>
    public static List<string> SplitWords(string text, long count, bool fromEnd, Budget budget)
    {
        budget.Characters(text.Length);
        List<string> words = [];
        string left = fromEnd ? PythonText.TrimEnd(text) : PythonText.TrimStart(text);
        (int start, int end) = (0, left.Length);
        while (start < end)
        {
            budget.Steps(1);
            int at = count == 0 ? -1 : fromEnd ? LastSpace(left, end) : FirstSpace(left, start);
            count--;
            words.Add(at < 0 ? left[start..end] : fromEnd ? left[(at + 1)..end] : left[start..at]);
            if (at < 0) break;
            if (fromEnd) end = at;
            else start = at;
            while (fromEnd && end > start && PythonText.IsSpace(left[end - 1])) end--;
            while (!fromEnd && start < end && PythonText.IsSpace(left[start])) start++;
        }

        if (fromEnd) words.Reverse();
        return words;
    }

    /// <summary>The lines of a text, at every character that Python takes for the end of one.</summary>
    public static List<string> SplitLines(string text, bool keepEnds)
    {
        List<string> lines = [];
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (!(text[i] is >= '\n' and <= '\r' or >= '\x1c' and <= '\x1e' or '\x85' or '\u2028' or '\u2029')) continue;
            int end = i;
            if (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n') i++;
            lines.Add(text[start..(keepEnds ? i + 1 : end)]);
            start = i + 1;
        }

        if (start < text.Length) lines.Add(text[start..]);
        return lines;
    }

    /// <summary>A text in the middle of a width; of an odd rest, the larger half goes left where the width is odd.</summary>
    public static string Center(string text, int width, char fill)
    {
        int missing = Math.Max(0, width - PythonText.Length(text)), left = (missing / 2) + (missing & width & 1);
        return new string(fill, left) + text + new string(fill, missing - left);
    }

    /// <summary>Puts texts together.</summary>
    public static string Join(string separator, IReadOnlyList<string> texts, Budget budget)
    {
        long length = (long)separator.Length * Math.Max(0, texts.Count - 1);
        foreach (string text in texts) length += text.Length;
        budget.NewText(length);
        return string.Join(separator, texts);
    }

    private static string ReplaceEmpty(string text, string replacement, long count, Budget budget)
    {
        List<string> parts = [""];
        int at = 0;
        for (; at < text.Length && (count < 0 || parts.Count < count); at += PythonText.IsPair(text, at) ? 2 : 1) parts.Add(text.Substring(at, PythonText.IsPair(text, at) ? 2 : 1));
        budget.Steps(parts.Count);
        if (at < text.Length || parts.Count == count) parts.Add(text[at..]);
        else parts.Add("");
        return Join(replacement, parts, budget);
    }

    private static int FirstSpace(string text, int start)
    {
        for (int i = start; i < text.Length; i++)
        {
            if (PythonText.IsSpace(text[i])) return i;
        }

        return -1;
    }

    private static int LastSpace(string text, int end)
    {
        for (int i = end - 1; i >= 0; i--)
        {
            if (PythonText.IsSpace(text[i])) return i;
        }

        return -1;
    }
}
