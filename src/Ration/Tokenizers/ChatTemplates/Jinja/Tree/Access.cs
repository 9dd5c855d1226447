using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Tree;

/// <summary><c>x.name</c>: an attribute, else an item.</summary>
internal sealed class MemberAccess(Expression target, string name, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering) => Members.Attribute(rendering.Evaluate(target), name);
}

/// <summary><c>x[key]</c>: an item, else an attribute.</summary>
internal sealed class Item(Expression target, Expression key, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering) => Members.Item(rendering.Evaluate(target), rendering.Evaluate(key), rendering.Budget);
}

/// <summary><c>x[start:stop:step]</c>.</summary>
internal sealed class Slice(Expression target, Expression? start, Expression? stop, Expression? step, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering)
    {
        object? value = rendering.Evaluate(target);
        return Slicing.Apply(value, Bound(rendering, start), Bound(rendering, stop), Bound(rendering, step), rendering.Budget);
    }

    private static object? Bound(Rendering rendering, Expression? bound) => bound is null ? null : rendering.Evaluate(bound);
}
