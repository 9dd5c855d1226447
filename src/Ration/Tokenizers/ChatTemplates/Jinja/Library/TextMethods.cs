using System.Text;
using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>Methods of Python's <c>str</c>.</summary>
internal static class TextMethods
{
    /// <summary>The methods.</summary>
    public static FunctionTable Create()
    {
        FunctionTable table = new();
        AddTrimming(table);
        AddSplitting(table);
        AddSearching(table);
        AddCase(table);
        table.Add("replace", "self old new count?", static c => TextOperations.Replace(c.Text(0), c.Text(1), c.Text(2), c.Integer(3, -1), c.Budget));
        table.Add("join", "self values",
            static c => TextOperations.Join(c.Text(0), [.. c.Items(1).Select(static i => i as string ?? throw new TemplateFault($"'join' needs texts but found {TypeNames.Of(i)}"))], c.Budget));
        table.Add("format", "self * **", static c => BraceFormat.Apply(c.Text(0), c.Rest, c.Named, c.Budget));
        table.Add("center", "self width fill?", static c => c.Made(TextOperations.Center(c.Text(0), TextFilters.Width(c.Integer(1)), Fill(c))));
        table.Add("ljust", "self width fill?", static c => c.Made(NumberFormat.Pad(c.Text(0), TextFilters.Width(c.Integer(1)), '<', Fill(c))));
        table.Add("rjust", "self width fill?", static c => c.Made(NumberFormat.Pad(c.Text(0), TextFilters.Width(c.Integer(1)), '>', Fill(c))));
        table.Add("zfill", "self width", static c => c.Made(NumberFormat.Pad(c.Text(0), TextFilters.Width(c.Integer(1)), '=', '0')));
        return table;
    }

    private static char Fill(Invocation call) => !call.Has(2) ? ' ' : call.Text(2) is [var fill] ? fill : throw new TemplateFault("what fills is one character");

    private static void AddTrimming(FunctionTable table)
    {
        table.Add("strip", "self chars?", static c => PythonText.Trim(c.Text(0), c.TextOrNone(1)));
        table.Add("lstrip", "self chars?", static c => PythonText.TrimStart(c.Text(0), c.TextOrNone(1)));
        table.Add("rstrip", "self chars?", static c => PythonText.TrimEnd(c.Text(0), c.TextOrNone(1)));
        table.Add("removeprefix", "self prefix", static c => c.Text(0).StartsWith(c.Text(1), StringComparison.Ordinal) ? c.Text(0)[c.Text(1).Length..] : c.Text(0));
        table.Add("removesuffix", "self suffix", static c => c.Text(0).EndsWith(c.Text(1), StringComparison.Ordinal) ? c.Text(0)[..^c.Text(1).Length] : c.Text(0));
    }

    private static void AddSplitting(FunctionTable table)
    {
        table.Add("split", "self sep? maxsplit?", static c => Split(c, fromEnd: false));
        table.Add("rsplit", "self sep? maxsplit?", static c => Split(c, fromEnd: true));
        table.Add("splitlines", "self keepends?", static c => List(TextOperations.SplitLines(c.Text(0), c.Flag(1)), c.Budget));
        table.Add("partition", "self sep", static c => Partition(TextOperations.Split(c.Text(0), c.Text(1), 1, c.Budget), c.Text(1), fromEnd: false));
        table.Add("rpartition", "self sep", static c => Partition(TextOperations.SplitFromEnd(c.Text(0), c.Text(1), 1, c.Budget), c.Text(1), fromEnd: true));
    }

    private static void AddSearching(FunctionTable table)
    {
        table.Add("startswith", "self prefix start? end?", static c => HasAffix(c, static (text, part) => text.StartsWith(part, StringComparison.Ordinal)));
        table.Add("endswith", "self suffix start? end?", static c => HasAffix(c, static (text, part) => text.EndsWith(part, StringComparison.Ordinal)));
        table.Add("find", "self part start? end?", static c => Find(c, static (text, part) => text.IndexOf(part, StringComparison.Ordinal)));
        table.Add("rfind", "self part start? end?", static c => Find(c, static (text, part) => text.LastIndexOf(part, StringComparison.Ordinal)));
        table.Add("index", "self part start? end?",
            static c => Find(c, static (text, part) => text.IndexOf(part, StringComparison.Ordinal)) is var at and >= 0 ? at : throw new TemplateFault("the part is not in the text"));
        table.Add("count", "self part start? end?", static c => Count(c));
    }

    private static void AddCase(FunctionTable table)
    {
        table.Add("upper", "self", static c => c.Made(PythonText.Upper(c.Text(0))));
        table.Add("lower casefold", "self", static c => c.Text(0).ToLowerInvariant());
        table.Add("capitalize", "self", static c => PythonText.Capitalize(c.Text(0)));
        table.Add("title", "self", static c => Title(c.Text(0)));
        table.Add("swapcase", "self", static c => string.Concat(c.Text(0).Select(static l => char.IsUpper(l) ? char.ToLowerInvariant(l) : char.ToUpperInvariant(l))));
        table.Add("isupper", "self", static c => Tests.IsCased(c.Text(0), char.IsUpper, char.IsLower));
        table.Add("islower", "self", static c => Tests.IsCased(c.Text(0), char.IsLower, char.IsUpper));
        table.Add("isspace", "self", static c => IsAll(c, PythonText.IsSpace));
        table.Add("isalpha", "self", static c => IsAll(c, char.IsLetter));
        table.Add("isdigit isdecimal isnumeric", "self", static c => IsAll(c, char.IsDigit));
        table.Add("isalnum", "self", static c => IsAll(c, char.IsLetterOrDigit));
    }

    private static bool IsAll(Invocation call, Func<char, bool> holds) => call.Text(0).Length > 0 && call.Text(0).All(holds);

    private static SequenceValue List(List<string> texts, Budget budget)
    {
        budget.Steps(texts.Count);
        return SequenceValue.List([.. texts]);
    }

    private static SequenceValue Split(Invocation call, bool fromEnd)
    {
        string text = call.Text(0);
        long count = call.Integer(2, -1);
        if (call.TextOrNone(1) is not { } separator) return List(TextOperations.SplitWords(text, count, fromEnd, call.Budget), call.Budget);
        return List(fromEnd ? TextOperations.SplitFromEnd(text, separator, count, call.Budget) : TextOperations.Split(text, separator, count, call.Budget), call.Budget);
    }

    private static SequenceValue Partition(List<string> parts, string separator, bool fromEnd)
    {
        if (parts.Count == 2) return SequenceValue.Tuple(parts[0], separator, parts[1]);
        return fromEnd ? SequenceValue.Tuple("", "", parts[0]) : SequenceValue.Tuple(parts[0], "", "");
    }

    // The part of the text between the bounds of a search, and where it starts in UTF-16 units.
    private static (string Text, int Start) Part(Invocation call)
    {
        string text = call.Text(0);
        if (call.Get(2, null) is null && call.Get(3, null) is null) return (text, 0);
        int length = PythonText.Length(text);
        int start = Bound(text, call.Get(2, null) is null ? 0 : call.Integer(2), length), end = Bound(text, call.Get(3, null) is null ? length : call.Integer(3), length);
        return (text[start..Math.Max(start, end)], start);
    }

    private static int Bound(string text, long bound, int length) => PythonText.UnitOf(text, Math.Clamp(bound < 0 ? Math.Max(0, bound + length) : bound, 0, length));

    private static bool HasAffix(Invocation call, Func<string, string, bool> has)
    {
        (string text, _) = Part(call);
        if (call[1] is not SequenceValue { Kind: SequenceKind.Tuple } affixes) return has(text, call.Text(1));
        call.Budget.Steps(affixes.Items.Count);
        return affixes.Items.Any(affix => has(text, affix as string ?? throw new TemplateFault("an affix is not text")));
    }

    private static long Find(Invocation call, Func<string, string, int> find)
    {
        (string text, int start) = Part(call);
        int at = find(text, call.Text(1));
        return at < 0 ? -1 : PythonText.IndexOfUnit(call.Text(0), at + start);
    }

    private static long Count(Invocation call)
    {
        (string text, _) = Part(call);
        string part = call.Text(1);
        return part.Length == 0 ? PythonText.Length(text) + 1L : TextOperations.Split(text, part, -1, call.Budget).Count - 1L;
    }

    private static string Title(string text)
    {
        StringBuilder title = new(text.Length);
        bool inside = false;
        foreach (char c in text)
        {
            title.Append(inside ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            inside = char.IsLetter(c);
        }

        return title.ToString();
    }
}
