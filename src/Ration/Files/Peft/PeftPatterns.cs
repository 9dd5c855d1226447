using System.Buffers;
using System.Text.RegularExpressions;

namespace Ration.Files.Peft;

/// <summary>
/// Values by patterns over module names: a pattern is a regular expression that must match a name whole or from a point on. Nearly all are
/// plain endings, which are looked up; the others run in linear time.
/// </summary>
internal sealed class PeftPatterns<T>
{
    private const int MostExpressions = 64;
    private const int LongestExpression = 1024;
    private const int MostCharacters = 8192;

    // A few wildcards in a row make an automaton of any size too, but only while it is used: up to 50 KiB for each character of a name. Bytes are
    // the same on every machine, however busy; the time of one comparison is limited only in case that an expression is slow without them.
    private const long MostBytes = 16 << 20;
    private const int LongestName = 256;
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(1);
    private static readonly SearchValues<char> s_plain = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    private readonly Dictionary<string, (int Order, T Value)> _endings = new(StringComparer.Ordinal);
    private readonly List<(Regex Expression, int Order, T Value)> _expressions = [];
    private readonly string _path;
    private long _used;

    /// <exception cref="FileFormatException">A pattern is no regular expression, or there are too many.</exception>
    public PeftPatterns(string path, IReadOnlyList<KeyValuePair<string, T>> patterns)
    {
        _path = path;
        int characters = 0;
        for (int i = 0; i < patterns.Count; i++)
        {
            (string pattern, T value) = patterns[i];
            if (!pattern.AsSpan().ContainsAnyExcept(s_plain)) _endings.TryAdd(pattern, (i, value));
            else if (_expressions.Count == MostExpressions || (characters += pattern.Length) > MostCharacters)
                throw new FileFormatException(path,
                    $"it has more than {MostExpressions} patterns that are regular expressions, or they have more than {MostCharacters} characters together", "name the modules");
            else _expressions.Add((Compile(path, pattern), i, value));
        }
    }

    /// <summary>The value of the first pattern that matches, or <paramref name="fallback"/>.</summary>
    /// <exception cref="FileFormatException">The patterns take too much memory or time, or the module's name is too long for them.</exception>
    public T Find(string module, T fallback)
    {
        (int Order, T Value) best = (int.MaxValue, fallback);
        for (int start = 0; start >= 0; start = NextPart(module, start))
        {
            if (_endings.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(module.AsSpan(start), out (int Order, T Value) found) && found.Order < best.Order) best = found;
        }

        foreach ((Regex expression, int order, T value) in _expressions)
        {
            if (order < best.Order && IsMatch(expression, module)) best = (order, value);
        }

        return best.Value;
    }

    private bool IsMatch(Regex expression, string module)
    {
        if (module.Length > LongestName)
            throw new FileFormatException(_path,
                $"it has patterns that are regular expressions, and the module {InvalidInputException.Quote(module)} has a name of more than {LongestName} characters", "name the modules");
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool isMatch;
        try
        {
            isMatch = expression.IsMatch(module);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw TooMuch(e);
        }

        _used += GC.GetAllocatedBytesForCurrentThread() - before;
        return _used > MostBytes ? throw TooMuch(null) : isMatch;
    }

    private FileFormatException TooMuch(Exception? cause) => new(
        _path,
        $"comparing its patterns that are regular expressions with the names of modules takes more than {MostBytes >> 20} MiB or {s_longest.TotalSeconds:0} s",
        "name the modules",
        cause);

    private static int NextPart(string module, int start)
    {
        int dot = module.IndexOf('.', start);
        return dot < 0 ? -1 : dot + 1;
    }

    private static Regex Compile(string path, string pattern)
    {
        // A few counted repetitions inside each other make an automaton of any size.
        if (pattern.Length > LongestExpression || pattern.Contains('{', StringComparison.Ordinal))
            throw new FileFormatException(path, $"the pattern {InvalidInputException.Quote(pattern)} is longer than {LongestExpression} characters or counts repetitions", "name the modules");
        try
        {
            return new Regex($@"^(.*\.)?({pattern})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, s_longest);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new FileFormatException(path, $"the pattern {InvalidInputException.Quote(pattern)} is no regular expression that is supported", "name the modules", e);
        }
    }
}
