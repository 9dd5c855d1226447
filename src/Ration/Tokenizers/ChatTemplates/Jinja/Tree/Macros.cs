using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Tree;

/// <summary>A macro as it is written.</summary>
/// <param name="Name">Its name, or null for the body of a call block.</param>
/// <param name="Parameters">Its parameters, each with its default or null.</param>
/// <param name="Body">What it writes.</param>
/// <param name="Names">The names that the body reads: it takes further arguments only where it reads <c>varargs</c>, <c>kwargs</c> or
/// <c>caller</c>.</param>
internal sealed record MacroDefinition(string? Name, List<(string Name, Expression? Default)> Parameters, List<Statement> Body, HashSet<string> Names);

/// <summary><c>{% macro name(…) %}…{% endmacro %}</c>.</summary>
internal sealed class MacroStatement(MacroDefinition definition, int line) : Statement(line)
{
    /// <inheritdoc/>
    public override Flow Execute(Rendering rendering)
    {
        rendering.Scope.Set(definition.Name!, new Macro(definition, rendering.Scope));
        return Flow.Next;
    }
}

/// <summary><c>{% call(…) macro(…) %}…{% endcall %}</c>.</summary>
internal sealed class CallBlock(Call call, MacroDefinition body, int line) : Statement(line)
{
    /// <inheritdoc/>
    public override Flow Execute(Rendering rendering)
    {
        object? value = call.Evaluate(rendering, new Macro(body, rendering.Scope));
        rendering.Write(rendering.Print(value));
        return Flow.Next;
    }
}

/// <summary>A macro with the variables that surround it.</summary>
internal sealed class Macro(MacroDefinition definition, Scope surroundings) : ICallable
{
    /// <inheritdoc/>
    public string Name => definition.Name ?? "caller";

    /// <inheritdoc/>
    public object? Call(Rendering rendering, Arguments arguments)
    {
        Scope scope = new(surroundings);
        Dictionary<string, object?> named = new(StringComparer.Ordinal);
        foreach ((string name, object? value) in arguments.Named)
        {
            if (!named.TryAdd(name, value)) throw new TemplateFault($"'{name}' is given twice to the macro '{Name}'");
        }

        BindExtras(scope, arguments, named);
        Scope outer = rendering.Scope;
        rendering.Scope = scope;
        BindParameters(rendering, arguments, named);
        rendering.Scope = outer;
        if (!definition.Names.Contains("kwargs") && named.Count > 0) throw new TemplateFault($"the macro '{Name}' has no parameter '{named.Keys.First()}'");
        return rendering.Capture(scope, definition.Body);
    }

    private void BindParameters(Rendering rendering, Arguments arguments, Dictionary<string, object?> named)
    {
        for (int i = 0; i < definition.Parameters.Count; i++)
        {
            (string name, Expression? otherwise) = definition.Parameters[i];
            object? value;
            if (i < arguments.Places.Count) value = arguments.Places[i];
            else if (!named.Remove(name, out value)) value = otherwise is null ? new Undefined($"the parameter '{name}' was not given") : rendering.Evaluate(otherwise);
            rendering.Scope.Set(name, value);
        }
    }

    private void BindExtras(Scope scope, Arguments arguments, Dictionary<string, object?> named)
    {
        bool declared = definition.Parameters.Exists(static p => p.Name == "caller");
        if (!declared && definition.Names.Contains("caller")) scope.Set("caller", named.Remove("caller", out object? caller) ? caller : new Undefined("no caller is defined"));
        int extra = Math.Max(0, arguments.Places.Count - definition.Parameters.Count);
        if (definition.Names.Contains("varargs")) scope.Set("varargs", new SequenceValue(SequenceKind.Tuple, [.. arguments.Places.Skip(definition.Parameters.Count)]));
        else if (extra > 0) throw new TemplateFault($"the macro '{Name}' takes no more than {definition.Parameters.Count} arguments");
        if (definition.Names.Contains("kwargs")) scope.Set("kwargs", Extra(named));
    }

    private DictValue Extra(Dictionary<string, object?> named)
    {
        DictValue dict = new();
        foreach ((string name, object? value) in named)
        {
            if (!definition.Parameters.Exists(p => p.Name == name)) dict.Set(name, value);
        }

        return dict;
    }
}
