using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>Methods of texts, dicts and lists. Those that change a value are not there: templates must not change what they are given.</summary>
internal static class Methods
{
    private static readonly FunctionTable s_texts = TextMethods.Create();
    private static readonly FunctionTable s_dicts = CreateDicts();
    private static readonly FunctionTable s_lists = CreateLists();
    private static readonly string[] s_changing =
    [
        "append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update",
    ];

    /// <summary>The method of <paramref name="value"/> with that name, bound to it; null where there is none.</summary>
    public static object? Find(object? value, string name)
    {
        FunctionTable? table = value switch
        {
            string => s_texts,
            DictValue => s_dicts,
            SequenceValue { HasItems: true } => s_lists,
            _ => null,
        };
        if (table?.Find(name) is { } method) return new BoundMethod(method, value);
        bool changes = (value is DictValue && name is "clear" or "pop" or "popitem" or "setdefault" or "update") || value is SequenceValue { Kind: SequenceKind.List };
        return changes && s_changing.Contains(name) ? new Undefined($"'{name}' would change {TypeNames.Of(value)}, which templates must not") : null;
    }

    /// <summary>The pairs of a dict as tuples.</summary>
    public static object?[] Pairs(DictValue dict, Budget budget)
    {
        budget.Steps(dict.Pairs.Count);
        return [.. dict.Pairs.Select(static p => SequenceValue.Tuple(p.Key, p.Value))];
    }

    private static FunctionTable CreateDicts()
    {
        FunctionTable table = new();
        table.Add("get", "self key default?", static c => ((DictValue)c[0]!).TryGet(c[1], out object? value) ? value : c.Get(2, null));
        table.Add("items", "self", static c => new SequenceValue(SequenceKind.View, Pairs((DictValue)c[0]!, c.Budget), "dict_items"));
        table.Add("keys", "self", static c => new SequenceValue(SequenceKind.View, c.Items(0), "dict_keys"));
        table.Add("values", "self", static c => new SequenceValue(SequenceKind.View, Values((DictValue)c[0]!, c.Budget), "dict_values"));
        table.Add("copy", "self", static c => c[0]);
        return table;
    }

    private static object?[] Values(DictValue dict, Budget budget)
    {
        budget.Steps(dict.Pairs.Count);
        return [.. dict.Pairs.Select(static p => p.Value)];
    }

    private static FunctionTable CreateLists()
    {
        FunctionTable table = new();
        table.Add("index", "self value", static c => IndexOf(c) is var index and >= 0 ? index : throw new TemplateFault("the item is not in the list"));
        table.Add("count", "self value", static c => c.Items(0).LongCount(item => Comparison.AreEqual(item, c[1], c.Budget)));
        table.Add("copy", "self", static c => c[0]);
        return table;
    }

    private static long IndexOf(Invocation call)
    {
        IReadOnlyList<object?> items = call.Items(0);
        for (int i = 0; i < items.Count; i++)
        {
            if (Comparison.AreEqual(items[i], call[1], call.Budget)) return i;
        }

        return -1;
    }

    private sealed class BoundMethod(Function method, object? self) : ICallable
    {
        public string Name => method.Name;

        public object? Call(Rendering rendering, Arguments arguments) => method.Call(rendering, arguments with { Places = [self, .. arguments.Places] });
    }
}
