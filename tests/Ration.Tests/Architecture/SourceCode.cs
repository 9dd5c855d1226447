namespace Ration.Tests.Architecture;

/// <summary>C# source looked at by braces alone.</summary>
internal static class SourceCode
{
    private static readonly string[] s_types = ["class", "struct", "record", "interface", "enum"];

    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>All source files that people write.</summary>
    public static IEnumerable<string> Files() => ((string[])["src", "tests", "benchmarks", "samples"])
        .SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories))
        .Where(static f => !f.Split(Path.DirectorySeparatorChar).Any(static part => part is "obj" or "bin"));

    /// <summary>The code with comments, strings and characters blanked out, line for line.</summary>
    public static string Blank(string code)
    {
        char[] text = code.ToCharArray();
        int end = SkipCode(text, 0, hole: false);
        return end == text.Length ? new string(text) : throw new InvalidOperationException("the braces of a string do not close");
    }

    /// <summary>Members of types that have a parameter list: their first line, and how many lines they have.</summary>
    /// <param name="blanked">What <see cref="Blank"/> returns.</param>
    public static IEnumerable<(string Header, int Line, int Lines)> Functions(string blanked)
    {
        Stack<bool> isType = new([true]);
        int start = -1, nested = 0;
        for (int i = 0; i < blanked.Length; i++)
        {
            char c = blanked[i];
            if (nested == 0 && start < 0 && !char.IsWhiteSpace(c) && c is not ('}' or ';')) start = i;
            if (c is '{' or '(' or '[')
            {
                bool opensType = c == '{' && nested == 0 && IsTypeHeader(blanked[start..i]);
                if (opensType) start = -1;
                else nested++;
                if (opensType) isType.Push(true);
            }
            else if (c is '}' or ')' or ']')
            {
                if (nested == 0) (start, _) = (-1, isType.Pop());
                else nested--;
            }

            bool endsBlock = c == '}' && nested == 0 && start >= 0 && !ContinuesAfter(blanked, i);
            if (nested > 0 || start < 0 || (c != ';' && !endsBlock)) continue;
            string member = blanked[start..(i + 1)], header = Header(member);
            if (header.Contains('(', StringComparison.Ordinal)) yield return (header.Trim(), LineOf(blanked, start), member.Count(static x => x == '\n') + 1);
            start = -1;
        }
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Ration.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"no Ration.slnx above {AppContext.BaseDirectory}");
    }

    // A type's keyword comes before its parameters and its constraints, after its attributes.
    private static bool IsTypeHeader(string header)
    {
        header = WithoutAttributes(header);
        int end = header.IndexOf('(', StringComparison.Ordinal);
        return (end < 0 ? header : header[..end]).Split([' ', '\n', '<'], StringSplitOptions.RemoveEmptyEntries).TakeWhile(static w => w != "where").Any(s_types.Contains);
    }

    private static string WithoutAttributes(string header)
    {
        header = header.TrimStart();
        while (header.StartsWith('['))
        {
            int depth = 0, end = 0;
            do depth += header[end++] switch { '[' => 1, ']' => -1, _ => 0 };
            while (depth > 0);
            header = header[end..].TrimStart();
        }

        return header;
    }

    // What comes before the body or the value: the declaration itself.
    private static string Header(string member)
    {
        member = WithoutAttributes(member);
        int end = member.IndexOfAny(['{', '=', ';']);
        return end < 0 ? member : member[..end];
    }

    // { get; } = value; and switch { … } in a bigger expression go on after their brace.
    private static bool ContinuesAfter(string text, int brace)
    {
        int next = brace + 1;
        while (next < text.Length && char.IsWhiteSpace(text[next])) next++;
        return next < text.Length && (text[next] is '=' or ';' or ',' or ')' or '.' or '?' or ':' or '+' or '-' or '*' or '/' or '&' or '|' or '!');
    }

    private static int LineOf(string text, int at) => text.AsSpan(0, at).Count('\n') + 1;

    private static int SkipCode(char[] text, int at, bool hole)
    {
        int depth = 0;
        while (at < text.Length)
        {
            char c = text[at], next = at + 1 < text.Length ? text[at + 1] : '\0';
            if (hole && depth == 0 && c == '}') return at;
            if (c == '/' && next == '/') at = BlankUntil(text, at, static (t, i) => t[i] == '\n');
            else if (c == '/' && next == '*') at = BlankUntil(text, at, (t, i) => i > at + 3 && t[i - 1] == '/' && t[i - 2] == '*');
            else if (c == '\'') at = SkipCharacter(text, at);
            else if (c == '"' || (c is '$' or '@' && next is '"' or '$' or '@')) at = SkipString(text, at);
            else
            {
                depth += c == '{' ? 1 : c == '}' ? -1 : 0;
                at++;
            }
        }

        return at;
    }

    private static int BlankUntil(char[] text, int at, Func<char[], int, bool> ends)
    {
        for (; at < text.Length && !ends(text, at); at++) Erase(text, at);
        return at;
    }

    private static int SkipCharacter(char[] text, int at)
    {
        int end = text[at + 1] == '\\' ? Array.IndexOf(text, '\'', at + 3) : at + 2;
        for (; at <= end; at++) Erase(text, at);
        return at;
    }

    private static int SkipString(char[] text, int at)
    {
        bool interpolated = false, verbatim = false;
        for (; text[at] != '"'; Erase(text, at++)) (interpolated, verbatim) = (interpolated | text[at] == '$', verbatim | text[at] == '@');
        int quotes = 0;
        while (at + quotes < text.Length && text[at + quotes] == '"') quotes++;
        if (quotes == 2) return EraseMany(text, at, 2);
        if (quotes >= 3) return SkipRaw(text, EraseMany(text, at, quotes), quotes);
        Erase(text, at++);
        while (text[at] != '"' || (verbatim && text[at + 1] == '"'))
        {
            bool pair = (verbatim && text[at] == '"') || (!verbatim && text[at] == '\\') || (interpolated && text[at] is '{' or '}' && text[at + 1] == text[at]);
            if (pair) at = EraseMany(text, at, 2);
            else if (interpolated && text[at] == '{') at = EraseHole(text, at);
            else Erase(text, at++);
        }

        return EraseMany(text, at, 1);
    }

    private static int SkipRaw(char[] text, int at, int quotes)
    {
        string end = new('"', quotes);
        while (!text.AsSpan(at).StartsWith(end)) Erase(text, at++);
        return EraseMany(text, at, quotes);
    }

    // Holes are code too, with strings of their own; no brace of theirs may remain.
    private static int EraseHole(char[] text, int at)
    {
        int end = SkipCode(text, at + 1, hole: true);
        return EraseMany(text, at, end + 1 - at);
    }

    private static int EraseMany(char[] text, int at, int count)
    {
        for (int i = 0; i < count; i++) Erase(text, at++);
        return at;
    }

    private static void Erase(char[] text, int at)
    {
        if (text[at] != '\n') text[at] = ' ';
    }
}
