namespace Ration.Tokenizers.ChatTemplates.Jinja.Tree;

/// <summary>Text as it stands in the template.</summary>
internal sealed class TextStatement(string text, int line) : Statement(line)
{
    /// <inheritdoc/>
    public override Flow Execute(Rendering rendering)
    {
        rendering.Write(text);
        return Flow.Next;
    }
}

/// <summary><c>{{ value }}</c>.</summary>
internal sealed class PrintStatement(Expression value, int line) : Statement(line)
{
    /// <inheritdoc/>
    public override Flow Execute(Rendering rendering)
    {
        rendering.Write(rendering.Print(rendering.Evaluate(value)));
        return Flow.Next;
    }
}

/// <summary><c>{% break %}</c> and <c>{% continue %}</c>.</summary>
internal sealed class Jump(Flow flow, int line) : Statement(line)
{
    /// <inheritdoc/>
    public override Flow Execute(Rendering rendering) => flow;
}

/// <summary><c>{% if %}</c> with its <c>elif</c> and <c>else</c>.</summary>
internal sealed class If(List<(Expression Condition, List<Statement> Body)> branches, List<Statement> otherwise, int line) : Statement(line)
{
    /// <inheritdoc/>
    public override Flow Execute(Rendering rendering)
    {
        foreach ((Expression condition, List<Statement> body) in branches)
        {
            if (Values.Truth.Of(rendering.Evaluate(condition))) return rendering.Execute(body);
        }

        return rendering.Execute(otherwise);
    }
}

/// <summary><c>{% with a = 1 %}</c>, and blocks that only have variables of their own.</summary>
internal sealed class With(List<(Target Target, Expression Value)> variables, List<Statement> body, int line) : Statement(line)
{
    /// <inheritdoc/>
    public override Flow Execute(Rendering rendering)
    {
        object?[] values = new object?[variables.Count];
        for (int i = 0; i < values.Length; i++) values[i] = rendering.Evaluate(variables[i].Value);
        Scope outer = rendering.Scope;
        rendering.Scope = new Scope(outer);
        for (int i = 0; i < values.Length; i++) variables[i].Target.Assign(rendering, values[i]);
        Flow flow = rendering.Execute(body);
        rendering.Scope = outer;
        return flow;
    }
}
