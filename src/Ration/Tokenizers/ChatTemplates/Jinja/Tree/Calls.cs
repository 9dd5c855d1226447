using Ration.Tokenizers.ChatTemplates.Jinja.Library;
using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Tree;

/// <summary>What stands in the brackets of a call.</summary>
/// <param name="positional">Values by place.</param>
/// <param name="named">Values by name.</param>
/// <param name="list">The sequence after <c>*</c>, further values by place.</param>
/// <param name="dict">The dict after <c>**</c>, further values by name.</param>
internal sealed class ArgumentList(List<Expression> positional, List<(string Name, Expression Value)> named, Expression? list, Expression? dict)
{
    /// <summary>No arguments.</summary>
    public static ArgumentList None { get; } = new([], [], null, null);

    /// <summary>The values, after <paramref name="receiver"/> (the input of a filter or test) if there is one.</summary>
    public Arguments Evaluate(Rendering rendering, params ReadOnlySpan<object?> receiver)
    {
        List<object?> places = [.. receiver];
        foreach (Expression argument in positional) places.Add(rendering.Evaluate(argument));
        if (list is not null) places.AddRange(Iteration.Items(rendering.Evaluate(list), rendering.Budget));
        List<(string, object?)> names = [];
        foreach ((string name, Expression value) in named) names.Add((name, rendering.Evaluate(value)));
        if (dict is null) return new Arguments(places, names);
        if (rendering.Evaluate(dict) is not DictValue pairs) throw new TemplateFault("what stands after '**' is not a dict");
        foreach ((object? key, object? value) in pairs.Pairs) names.Add((key as string ?? throw new TemplateFault("a name after '**' is not text"), value));
        return new Arguments(places, names);
    }
}

/// <summary><c>f(…)</c>.</summary>
internal sealed class Call(Expression callee, ArgumentList arguments, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering) => Evaluate(rendering, null);

    /// <summary>Calls with the body of a call block as <c>caller</c>.</summary>
    public object? Evaluate(Rendering rendering, Macro? caller)
    {
        object? target = rendering.Evaluate(callee);
        Arguments values = arguments.Evaluate(rendering);
        if (caller is not null) values = values.With("caller", caller);
        return target switch
        {
            ICallable callable => callable.Call(rendering, values),
            Undefined undefined => throw undefined.Fault(),
            _ => throw new TemplateFault($"{TypeNames.Of(target)} cannot be called"),
        };
    }
}

/// <summary><c>x | name(…)</c>.</summary>
/// <param name="input">What is filtered, or null where it comes from the block that the filter belongs to.</param>
/// <param name="name">The filter.</param>
/// <param name="arguments">Its further arguments.</param>
/// <param name="line">Its line.</param>
internal sealed class FilterCall(Expression? input, string name, ArgumentList arguments, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering) =>
        Filters.Find(name).Call(rendering, arguments.Evaluate(rendering, rendering.Evaluate(input!)));

    private FilterCall? Before => input as FilterCall;

    /// <summary>Filters the text of a block.</summary>
    public object? Apply(Rendering rendering, object? text)
    {
        // A template may have as many filters as it has room for, so that they cannot call each other.
        Stack<FilterCall> filters = new();
        for (FilterCall? filter = this; filter is not null; filter = filter.Before) filters.Push(filter);
        object? value = text;
        foreach (FilterCall filter in filters) value = filter.Call(rendering, value);
        return value;
    }

    private object? Call(Rendering rendering, object? value)
    {
        rendering.Budget.Steps(1);
        return Filters.Find(name).Call(rendering, arguments.Evaluate(rendering, value));
    }
}

/// <summary><c>x is name(…)</c>.</summary>
internal sealed class TestCall(Expression input, string name, ArgumentList arguments, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering) =>
        Truth.Of(Tests.Find(name).Call(rendering, arguments.Evaluate(rendering, rendering.Evaluate(input))));
}
