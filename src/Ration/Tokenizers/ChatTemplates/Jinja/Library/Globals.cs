using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>Functions that every template has.</summary>
internal static class Globals
{
    private static readonly FunctionTable s_table = Create();

    /// <summary>The function of that name, or null.</summary>
    public static Function? Find(string name) => s_table.Find(name);

    private static FunctionTable Create()
    {
        FunctionTable table = new();
        table.Add("range", "start stop? step?", Range);
        table.Add("dict", "value? **", Dict);
        table.Add("namespace", "value? **", Namespace);
        table.Add("cycler", "*", Cycler);
        table.Add("joiner", "sep?", Joiner);
        table.Add("raise_exception", "message", static c => throw new TemplateFault(c.Printed(0), 0, refused: true));
        table.Add("strftime_now", "format", static c => c.Made(DateFormat.Apply(c.Text(0), c.Rendering.Now)));
        return table;
    }

    private static SequenceValue Range(Invocation call)
    {
        (long start, long stop) = call.Get(1, null) is null ? (0, call.Integer(0)) : (call.Integer(0), call.Integer(1));
        long step = call.Integer(2, 1);
        if (step == 0) throw new TemplateFault("the step of 'range' is 0");
        Int128 distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        Int128 count = distance <= 0 ? 0 : (distance + Int128.Abs(step) - 1) / Int128.Abs(step);
        if (count > Limits.Range) throw new TemplateFault($"'range' has more than {Limits.Range} numbers");
        call.Budget.Steps((long)count);
        object?[] numbers = new object?[(int)count];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = start + (i * step);
        return new SequenceValue(SequenceKind.Range, numbers);
    }

    private static DictValue Dict(Invocation call)
    {
        DictValue dict = new();
        if (call.Get(0, null) is DictValue other)
        {
            call.Budget.Steps(other.Pairs.Count);
            foreach ((object? key, object? value) in other.Pairs) dict.Set(key, value);
        }
        else if (call.Has(0))
        {
            foreach (object? pair in call.Items(0))
            {
                if (Iteration.Items(pair, call.Budget) is not [var key, var value]) throw new TemplateFault("'dict' needs pairs");
                dict.Set(key, value);
            }
        }

        foreach ((string name, object? value) in call.Named) dict.Set(name, value);
        return dict;
    }

    private static NamespaceValue Namespace(Invocation call)
    {
        NamespaceValue space = new();
        foreach ((object? key, object? value) in Dict(call).Pairs) space.Set(key as string ?? throw new TemplateFault("an attribute's name is not text"), value);
        return space;
    }

    private static NamespaceValue Cycler(Invocation call)
    {
        if (call.Rest.Count == 0) throw new TemplateFault("'cycler' needs values");
        IReadOnlyList<object?> values = call.Rest;
        NamespaceValue cycler = new();
        int at = 0;
        cycler.Set("current", values[0]);
        cycler.Set("next", new Function("next", "", _ =>
        {
            object? value = values[at];
            at = (at + 1) % values.Count;
            cycler.Set("current", values[at]);
            return value;
        }));
        cycler.Set("reset", new Function("reset", "", _ =>
        {
            at = 0;
            cycler.Set("current", values[0]);
            return null;
        }));
        return cycler;
    }

    private static Function Joiner(Invocation call)
    {
        object? separator = call.Get(0, ", ");
        bool used = false;
        return new Function("joiner", "", _ =>
        {
            object? value = used ? separator : "";
            used = true;
            return value;
        });
    }
}
