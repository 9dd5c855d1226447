using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>Filters of sequences and dicts as wholes.</summary>
internal static class SequenceFilters
{
    /// <summary>Adds them.</summary>
    public static void AddTo(FunctionTable table)
    {
        table.Add("length count", "value", static c => Iteration.Length(c[0], c.Budget));
        table.Add("list", "value", static c => SequenceValue.List(c.Items(0)));
        table.Add("items", "value", Pairs);
        table.Add("first", "value", static c => c.Items(0) is [var first, ..] ? first : new Undefined("there is no first item: the sequence is empty"));
        table.Add("last", "value", Last);
        table.Add("reverse", "value", Reverse);
        table.Add("sort", "value reverse? case_sensitive? attribute?", Sort);
        table.Add("dictsort", "value case_sensitive? by? reverse?", SortDict);
        table.Add("unique", "value case_sensitive? attribute?", Unique);
        table.Add("min", "value case_sensitive? attribute?", static c => Extreme(c, 1));
        table.Add("max", "value case_sensitive? attribute?", static c => Extreme(c, -1));
        table.Add("sum", "value attribute? start?", Sum);
        table.Add("batch", "value linecount fill_with?", Batch);
        table.Add("slice", "value slices fill_with?", Slice);
        table.Add("groupby", "value attribute default? case_sensitive?", GroupBy);
    }

    private static SequenceValue Pairs(Invocation call) => call[0] switch
    {
        Undefined => SequenceValue.Generator([]),
        DictValue dict => SequenceValue.Generator(Methods.Pairs(dict, call.Budget)),
        _ => throw new TemplateFault($"'items' needs a dict but found {TypeNames.Of(call[0])}"),
    };

    private static object? Last(Invocation call)
    {
        if (call[0] is SequenceValue { Kind: SequenceKind.Generator }) throw new TemplateFault("'last' cannot be taken of a generator: it needs '| list'");
        return call.Items(0) is [.., var last] ? last : new Undefined("there is no last item: the sequence is empty");
    }

    private static object Reverse(Invocation call)
    {
        object?[] items = [.. call.Items(0)];
        call.Budget.Steps(items.Length);
        Array.Reverse(items);
        return call[0] is string ? TextOperations.Join("", [.. items.Cast<string>()], call.Budget) : SequenceValue.Generator(items);
    }

    private static SequenceValue Sort(Invocation call)
    {
        AttributePath[] paths = call.Get(3, null) is string names ? [.. names.Split(',').Select(static n => AttributePath.Of(n))] : [AttributePath.Of(call.Get(3, null))];
        bool exact = call.Flag(2);
        object?[] items = [.. call.Items(0)];
        (object? Key, object? Item)[] keyed = [.. items.Select(item => ((object?)SequenceValue.List([.. paths.Select(p => Key(p.Of(item, call.Budget), exact, call.Budget))]), item))];
        return SequenceValue.List(Ordered(keyed, call.Flag(1), call.Budget));
    }

    private static SequenceValue SortDict(Invocation call)
    {
        if (call[0] is not DictValue dict) throw new TemplateFault($"'dictsort' needs a dict but found {TypeNames.Of(call[0])}");
        string by = call.Has(2) ? call.Text(2) : "key";
        if (by is not ("key" or "value")) throw new TemplateFault("'dictsort' sorts by 'key' or by 'value'");
        bool exact = call.Flag(1);
        (object? Key, object? Item)[] keyed = [.. dict.Pairs.Select(p => (Key(by == "key" ? p.Key : p.Value, exact, call.Budget), (object?)SequenceValue.Tuple(p.Key, p.Value)))];
        return SequenceValue.List(Ordered(keyed, call.Flag(3), call.Budget));
    }

    private static object?[] Ordered((object? Key, object? Item)[] keyed, bool descending, Budget budget)
    {
        int sign = descending ? -1 : 1;
        Sorting.Sort(keyed, (a, b) => sign * (Comparison.Order(a.Key, b.Key, budget) ?? 0));
        return [.. keyed.Select(static k => k.Item)];
    }

    // Texts are compared in small letters unless it is to be exact.
    private static object? Key(object? value, bool exact, Budget budget)
    {
        if (exact || value is not string text) return value;
        budget.NewText(text.Length);
        return text.ToLowerInvariant();
    }

    private static SequenceValue Unique(Invocation call)
    {
        AttributePath path = AttributePath.Of(call.Get(2, null));
        HashSet<object> seen = [];
        return SequenceValue.Generator([.. call.Items(0).Where(item => seen.Add(DictValue.Identity(Key(path.Of(item, call.Budget), call.Flag(1), call.Budget))))]);
    }

    private static object? Extreme(Invocation call, int sign)
    {
        AttributePath path = AttributePath.Of(call.Get(2, null));
        IReadOnlyList<object?> items = call.Items(0);
        if (items.Count == 0) return new Undefined("there is no extreme item: the sequence is empty");
        object? best = items[0], bestKey = Key(path.Of(best, call.Budget), call.Flag(1), call.Budget);
        foreach (object? item in items.Skip(1))
        {
            object? key = Key(path.Of(item, call.Budget), call.Flag(1), call.Budget);
            if (sign * (Comparison.Order(key, bestKey, call.Budget) ?? 0) < 0) (best, bestKey) = (item, key);
        }

        return best;
    }

    private static object? Sum(Invocation call)
    {
        AttributePath path = AttributePath.Of(call.Get(1, null));
        object? sum = call.Get(2, 0L);
        if (sum is string) throw new TemplateFault("'sum' cannot add texts: use 'join'");
        foreach (object? item in call.Items(0)) sum = Arithmetic.Apply("+", sum, path.Of(item, call.Budget), call.Budget);
        return sum;
    }

    private static SequenceValue Batch(Invocation call)
    {
        long size = call.Integer(1);
        if (size < 1 || size > Limits.Range) throw new TemplateFault($"'batch' makes batches of 1 to {Limits.Range} items");
        List<object?> batches = [];
        foreach (object?[] batch in call.Items(0).Chunk((int)size))
        {
            object? fill = call.Get(2, null);
            long missing = fill is null ? 0 : size - batch.Length;
            call.Budget.Steps(batch.Length + missing);
            batches.Add(SequenceValue.List([.. batch, .. Enumerable.Repeat(fill, (int)missing)]));
        }

        return SequenceValue.Generator(batches);
    }

    private static SequenceValue Slice(Invocation call)
    {
        long count = call.Integer(1);
        if (count < 1 || count > Limits.Range) throw new TemplateFault($"'slice' makes 1 to {Limits.Range} slices");
        IReadOnlyList<object?> items = call.Items(0);
        call.Budget.Steps(items.Count + count);
        List<object?> slices = [];
        int start = 0;
        for (int i = 0; i < count; i++)
        {
            bool longer = i < items.Count % count;
            int length = (int)(items.Count / count) + (longer ? 1 : 0);
            List<object?> slice = [.. items.Skip(start).Take(length)];
            if (!longer && call.Get(2, null) is { } fill) slice.Add(fill);
            slices.Add(SequenceValue.List(slice));
            start += length;
        }

        return SequenceValue.Generator(slices);
    }

    private static SequenceValue GroupBy(Invocation call)
    {
        AttributePath path = AttributePath.Of(call[1]);
        bool exact = call.Flag(3);
        object? KeyOf(object? item) => path.Of(item, call.Budget, call.Get(2, null));
        (object? Key, object? Item)[] keyed = [.. call.Items(0).Select(item => (Key(KeyOf(item), exact, call.Budget), item))];
        Ordered(keyed, descending: false, call.Budget);
        List<object?> groups = [];
        for (int start = 0, end; start < keyed.Length; start = end)
        {
            end = start + 1;
            while (end < keyed.Length && Comparison.AreEqual(keyed[start].Key, keyed[end].Key, call.Budget)) end++;
            object?[] members = [.. keyed[start..end].Select(static k => k.Item)];
            groups.Add(SequenceValue.Tuple(KeyOf(members[0]), SequenceValue.List(members)));
        }

        return SequenceValue.List(groups);
    }
}
