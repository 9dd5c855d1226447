using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Tree;

/// <summary>A value written in the template.</summary>
internal sealed class Constant(object? value, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering) => value;
}

/// <summary>A variable.</summary>
internal sealed class Name(string text, int line) : Expression(line)
{
    /// <summary>The variable's name.</summary>
    public string Text { get; } = text;

    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering) => rendering.Lookup(Text);
}

/// <summary><c>[a, b]</c> or <c>(a, b)</c>.</summary>
internal sealed class SequenceLiteral(SequenceKind kind, List<Expression> items, int line) : Expression(line)
{
    /// <summary>What stands in it.</summary>
    public List<Expression> Items { get; } = items;

    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering)
    {
        object?[] values = new object?[Items.Count];
        for (int i = 0; i < values.Length; i++) values[i] = rendering.Evaluate(Items[i]);
        return new SequenceValue(kind, values);
    }
}

/// <summary><c>{key: value}</c>.</summary>
internal sealed class DictLiteral(List<(Expression Key, Expression Value)> pairs, int line) : Expression(line)
{
    /// <inheritdoc/>
    public override object? Evaluate(Rendering rendering)
    {
        DictValue dict = new();
        foreach ((Expression key, Expression value) in pairs) dict.Set(rendering.Evaluate(key), rendering.Evaluate(value));
        return dict;
    }
}
