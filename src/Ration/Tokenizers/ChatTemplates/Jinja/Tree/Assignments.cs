using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Tree;

/// <summary>What can be assigned to.</summary>
internal abstract class Target
{
    /// <summary>Gives it a value in the current scope.</summary>
    public abstract void Assign(Rendering rendering, object? value);
}

/// <summary>A variable of the current scope.</summary>
internal sealed class NameTarget(string name) : Target
{
    /// <inheritdoc/>
    public override void Assign(Rendering rendering, object? value) => rendering.Scope.Set(name, value);
}

/// <summary><c>ns.name</c>, an attribute of a namespace.</summary>
internal sealed class NamespaceTarget(string variable, string name) : Target
{
    /// <inheritdoc/>
    public override void Assign(Rendering rendering, object? value)
    {
        if (rendering.Lookup(variable) is not NamespaceValue target) throw new TemplateFault($"'{variable}' is no namespace, so '{variable}.{name}' cannot be set");
        target.Set(name, value);
    }
}

/// <summary><c>a, b</c>: as many values as names.</summary>
internal sealed class TupleTarget(List<Target> targets) : Target
{
    /// <inheritdoc/>
    public override void Assign(Rendering rendering, object? value)
    {
        IReadOnlyList<object?> items = Iteration.Items(value, rendering.Budget);
        if (items.Count != targets.Count) throw new TemplateFault($"{items.Count} values cannot be given to {targets.Count} names");
        for (int i = 0; i < targets.Count; i++) targets[i].Assign(rendering, items[i]);
    }
}

/// <summary><c>{% set a = value %}</c>.</summary>
internal sealed class Set(Target target, Expression value, int line) : Statement(line)
{
    /// <inheritdoc/>
    public override Flow Execute(Rendering rendering)
    {
        target.Assign(rendering, rendering.Evaluate(value));
        return Flow.Next;
    }
}

/// <summary><c>{% set a | filter %}…{% endset %}</c> and <c>{% filter f %}…{% endfilter %}</c>: what a block writes, caught and filtered.</summary>
/// <param name="target">What receives the text, or null where it is written.</param>
/// <param name="filter">What the text goes through, or null.</param>
/// <param name="body">The block.</param>
/// <param name="line">Its line.</param>
internal sealed class Capture(Target? target, FilterCall? filter, List<Statement> body, int line) : Statement(line)
{
    /// <inheritdoc/>
    public override Flow Execute(Rendering rendering)
    {
        object? value = rendering.Capture(new Scope(rendering.Scope), body);
        if (filter is not null) value = filter.Apply(rendering, value);
        if (target is not null) target.Assign(rendering, value);
        else rendering.Write(rendering.Print(value));
        return Flow.Next;
    }
}
