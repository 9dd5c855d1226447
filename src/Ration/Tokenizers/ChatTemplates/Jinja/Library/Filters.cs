using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>Jinja's filters.</summary>
internal static class Filters
{
    private static readonly FunctionTable s_table = Create();

    /// <summary>The filter of that name.</summary>
    /// <exception cref="TemplateFault">There is none.</exception>
    public static Function Find(string name) => s_table.Find(name) ?? throw new TemplateFault($"there is no filter {InvalidInputException.Quote(name)}");

    /// <summary>Whether there is a filter of that name.</summary>
    public static bool Exists(string name) => s_table.Find(name) is not null;

    private static FunctionTable Create()
    {
        FunctionTable table = new();
        TextFilters.AddTo(table);
        NumberFilters.AddTo(table);
        SequenceFilters.AddTo(table);
        SelectionFilters.AddTo(table);
        table.Add("default d", "value default_value? boolean?", static c => c[0] is Undefined || (c.Flag(2) && !Truth.Of(c[0])) ? c.Get(1, "") : c[0]);
        table.Add("attr", "value name",
            static c => Members.TryAttribute(c[0], c.Text(1), out object? found) ? found : new Undefined($"{TypeNames.Of(c[0])} has no {InvalidInputException.Quote(c.Text(1))}"));
        table.Add("tojson", "value ensure_ascii? indent? separators? sort_keys?", ToJson);
        return table;
    }

    // As Hugging Face replaces Jinja's own: nothing is escaped for HTML.
    private static string ToJson(Invocation call)
    {
        string? indent = call.Get(2, null) switch
        {
            null => null,
            string text => text,
            _ => new string(' ', (int)Math.Clamp(call.Integer(2), 0, 100)),
        };
        (string item, string key) = (indent is null ? ", " : ",", ": ");
        if (call.Get(3, null) is SequenceValue { Items: [string givenItem, string givenKey] }) (item, key) = (givenItem, givenKey);
        return new JsonText(call.Budget, call.Flag(1), indent, item, key, call.Flag(4)).Write(call[0]);
    }
}
