using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Tree;

/// <summary><c>{% for target in values if condition %}…{% else %}…{% endfor %}</c>.</summary>
internal sealed class For(Target target, Expression values, Expression? condition, List<Statement> body, List<Statement> otherwise, int line) : Statement(line)
{
    /// <inheritdoc/>
    public override Flow Execute(Rendering rendering)
    {
        IReadOnlyList<object?> items = Iteration.Items(rendering.Evaluate(values), rendering.Budget);
        Scope outer = rendering.Scope;
        if (condition is not null) items = Filter(rendering, items, condition);
        Flow flow = items.Count == 0 ? Otherwise(rendering) : Loop(rendering, items);
        rendering.Scope = outer;
        return flow;
    }

    private Flow Otherwise(Rendering rendering)
    {
        rendering.Scope = new Scope(rendering.Scope);
        return rendering.Execute(otherwise);
    }

    private Flow Loop(Rendering rendering, IReadOnlyList<object?> items)
    {
        Scope outer = rendering.Scope;
        LoopValue loop = new(items);
        for (int i = 0; i < items.Count; i++)
        {
            rendering.Budget.Steps(1);
            loop.Index = i;
            rendering.Scope = new Scope(outer);
            rendering.Scope.Set("loop", loop);
            target.Assign(rendering, items[i]);
            if (rendering.Execute(body) == Flow.Break) break;
        }

        return Flow.Next;
    }

    private List<object?> Filter(Rendering rendering, IReadOnlyList<object?> items, Expression test)
    {
        Scope outer = rendering.Scope;
        List<object?> kept = [];
        foreach (object? item in items)
        {
            rendering.Scope = new Scope(outer);
            target.Assign(rendering, item);
            if (Truth.Of(rendering.Evaluate(test))) kept.Add(item);
        }

        rendering.Scope = outer;
        return kept;
    }
}
