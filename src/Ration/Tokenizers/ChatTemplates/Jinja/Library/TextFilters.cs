using System.Text;
using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>Filters of texts; what is not text is printed first.</summary>
internal static class TextFilters
{
    private const int Widest = 1 << 20;

    /// <summary>Adds them.</summary>
    public static void AddTo(FunctionTable table)
    {
        table.Add("string", "value", static c => c.Printed(0));
        table.Add("safe", "value", static c => c.Printed(0));
        table.Add("trim", "value chars?", static c => PythonText.Trim(c.Printed(0), c.TextOrNone(1)));
        table.Add("upper", "value", static c => c.Made(PythonText.Upper(c.Printed(0))));
        table.Add("lower", "value", static c => c.Printed(0).ToLowerInvariant());
        table.Add("capitalize", "value", static c => PythonText.Capitalize(c.Printed(0)));
        table.Add("title", "value", static c => Title(c.Printed(0)));
        table.Add("replace", "value old new count?", static c => TextOperations.Replace(c.Printed(0), c.Printed(1), c.Printed(2), c.Get(3, null) is null ? -1 : c.Integer(3), c.Budget));
        table.Add("escape e forceescape", "value", static c => Escape(c));
        table.Add("center", "value width?", static c => c.Made(TextOperations.Center(c.Printed(0), Width(c.Integer(1, 80)), ' ')));
        table.Add("format", "value * **", Format);
        table.Add("indent", "value width? first? blank?", Indent);
        table.Add("truncate", "value length? killwords? end? leeway?", Truncate);
        table.Add("wordcount", "value", static c => WordCount(c.Printed(0)));
        table.Add("join", "value d? attribute?", Join);
    }

    /// <summary>A width within sensible bounds.</summary>
    /// <exception cref="TemplateFault">It is beyond them.</exception>
    public static int Width(long width) => width <= Widest ? (int)Math.Max(0, width) : throw new TemplateFault($"a width is more than {Widest}");

    private static string Title(string text)
    {
        StringBuilder title = new(text.Length);
        bool starts = true;
        foreach (char c in text)
        {
            title.Append(starts ? PythonText.Upper(c.ToString()) : char.ToLowerInvariant(c));
            starts = PythonText.IsSpace(c) || c is '-' or '(' or '{' or '[' or '<';
        }

        return title.ToString();
    }

    private static string Escape(Invocation call) => call.Made(call.Printed(0)
        .Replace("&", "&amp;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal));

    private static string Format(Invocation call)
    {
        if (call.Named.Count == 0) return PercentFormat.Apply(call.Printed(0), SequenceValue.Tuple([.. call.Rest]), call.Budget);
        if (call.Rest.Count > 0) throw new TemplateFault("'format' takes values by place or by name, not both");
        DictValue named = new();
        foreach ((string name, object? value) in call.Named) named.Set(name, value);
        return PercentFormat.Apply(call.Printed(0), named, call.Budget);
    }

    private static string Indent(Invocation call)
    {
        string indent = call.Get(1, 4L) as string ?? new string(' ', Width(call.Integer(1, 4)));
        bool blank = call.Flag(3);
        List<string> lines = TextOperations.SplitLines(call.Text(0) + "\n", keepEnds: false);
        call.Budget.NewText(call.Text(0).Length + ((long)lines.Count * (indent.Length + 1)));
        StringBuilder output = new();
        for (int i = 0; i < lines.Count; i++)
        {
            if (i > 0) output.Append('\n');
            if (i == 0 ? call.Flag(2) : blank || lines[i].Length > 0) output.Append(indent);
            output.Append(lines[i]);
        }

        return output.ToString();
    }

    private static string Truncate(Invocation call)
    {
        string text = call.Text(0), end = call.Has(3) ? call.Text(3) : "...";
        long length = call.Integer(1, 255), leeway = call.Get(4, null) is null ? 5 : call.Integer(4);
        long kept = length - PythonText.Length(end);
        if (kept < 0 || leeway < 0) throw new TemplateFault("'truncate' needs a length of at least that of its end, and a leeway of at least 0");
        if (PythonText.Length(text) - length <= leeway) return text;
        string cut = text[..PythonText.UnitOf(text, kept)];
        int space = call.Flag(2) ? -1 : cut.LastIndexOf(' ');
        return call.Made((space < 0 ? cut : cut[..space]) + end);
    }

    private static long WordCount(string text)
    {
        long words = 0;
        bool inside = false;
        foreach (char c in text)
        {
            bool letter = c == '_' || char.IsLetterOrDigit(c) || char.IsSurrogate(c);
            if (letter && !inside) words++;
            inside = letter;
        }

        return words;
    }

    private static string Join(Invocation call)
    {
        IReadOnlyList<object?> items = call.Items(0);
        if (call.Get(2, null) is { } attribute) items = AttributePath.Of(attribute).All(items, call.Budget);
        string[] texts = [.. items.Select(call.Rendering.Print)];
        return TextOperations.Join(call.Printed(1), texts, call.Budget);
    }
}
