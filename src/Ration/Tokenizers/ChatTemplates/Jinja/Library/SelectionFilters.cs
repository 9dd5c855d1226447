using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>Filters that go through items with another filter or a test; nothing comes of what is empty, none or undefined.</summary>
internal static class SelectionFilters
{
    /// <summary>Adds them.</summary>
    public static void AddTo(FunctionTable table)
    {
        table.Add("map", "value * **", Map);
        table.Add("select", "value *", static c => Select(c, kept: true, attribute: false));
        table.Add("reject", "value *", static c => Select(c, kept: false, attribute: false));
        table.Add("selectattr", "value *", static c => Select(c, kept: true, attribute: true));
        table.Add("rejectattr", "value *", static c => Select(c, kept: false, attribute: true));
    }

    private static SequenceValue Map(Invocation call)
    {
        if (!Truth.Of(call[0])) return SequenceValue.Generator([]);
        IReadOnlyList<object?> items = call.Items(0);
        if (call.Rest.Count == 0) return SequenceValue.Generator(Attributes(call, items));
        Function filter = Filters.Find(Name(call.Rest[0]));
        object?[] values = new object?[items.Count];
        for (int i = 0; i < values.Length; i++)
        {
            call.Budget.Steps(1);
            values[i] = filter.Call(call.Rendering, new Arguments([items[i], .. call.Rest.Skip(1)], call.Named));
        }

        return SequenceValue.Generator(values);
    }

    private static object?[] Attributes(Invocation call, IReadOnlyList<object?> items)
    {
        object? otherwise = null, attribute = Invocation.Missing;
        foreach ((string name, object? value) in call.Named)
        {
            if (name == "attribute") attribute = value;
            else if (name == "default") otherwise = value;
            else throw new TemplateFault($"'map' has no parameter {InvalidInputException.Quote(name)}");
        }

        if (attribute == Invocation.Missing) throw new TemplateFault("'map' needs a filter or an attribute");
        return AttributePath.Of(attribute).All(items, call.Budget, otherwise);
    }

    private static SequenceValue Select(Invocation call, bool kept, bool attribute)
    {
        if (!Truth.Of(call[0])) return SequenceValue.Generator([]);
        int used = attribute ? 1 : 0;
        if (call.Rest.Count < used) throw new TemplateFault("an attribute is missing");
        AttributePath path = AttributePath.Of(attribute ? call.Rest[0] : null);
        Function? test = call.Rest.Count > used ? Tests.Find(Name(call.Rest[used])) : null;
        object?[] further = [.. call.Rest.Skip(used + 1)];
        List<object?> items = [];
        foreach (object? item in call.Items(0))
        {
            call.Budget.Steps(1);
            object? value = path.Of(item, call.Budget);
            bool holds = Truth.Of(test is null ? value : test.Call(call.Rendering, new Arguments([value, .. further], [])));
            if (holds == kept) items.Add(item);
        }

        return SequenceValue.Generator(items);
    }

    private static string Name(object? value) => value as string ?? throw new TemplateFault("the name of a filter or test is not text");
}
