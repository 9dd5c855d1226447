namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>One call of a <see cref="Function"/>: its arguments, checked as they are asked for.</summary>
/// <param name="rendering">The rendering that calls.</param>
/// <param name="values">Values of the parameters, <see cref="Missing"/> where not given.</param>
/// <param name="rest">Further values by place.</param>
/// <param name="names">Further values by name.</param>
internal sealed class Invocation(Rendering rendering, object?[] values, IReadOnlyList<object?> rest, IReadOnlyList<(string Name, object? Value)> names)
{
    /// <summary>Stands for an argument that is not given.</summary>
    public static object Missing { get; } = new();

    /// <summary>The rendering that calls.</summary>
    public Rendering Rendering => rendering;

    /// <summary>What the rendering may still use.</summary>
    public Budget Budget => rendering.Budget;

    /// <summary>Further values by place.</summary>
    public IReadOnlyList<object?> Rest => rest;

    /// <summary>Further values by name.</summary>
    public IReadOnlyList<(string Name, object? Value)> Named => names;

    /// <summary>The value of a required parameter.</summary>
    public object? this[int index] => values[index];

    /// <summary>Whether a value was given.</summary>
    public bool Has(int index) => values[index] != Missing;

    /// <summary>The value, or <paramref name="otherwise"/> where none was given.</summary>
    public object? Get(int index, object? otherwise) => Has(index) ? values[index] : otherwise;

    /// <summary>The value as text, whatever it is; <paramref name="otherwise"/> where none was given.</summary>
    public string Printed(int index, string otherwise = "")
    {
        string text = Has(index) ? rendering.Print(values[index]) : otherwise;
        Budget.Characters(text.Length);
        return text;
    }

    /// <summary>The value, which must be text.</summary>
    public string Text(int index)
    {
        if (values[index] is not string text) throw new TemplateFault($"expected text but found {TypeNames.Of(values[index])}");
        Budget.Characters(text.Length);
        return text;
    }

    /// <summary>The value, which must be text or none; null where none was given.</summary>
    public string? TextOrNone(int index) => Has(index) && values[index] is not null ? Text(index) : null;

    /// <summary>The value, which must be an integer; <paramref name="otherwise"/> where none was given.</summary>
    public long Integer(int index, long otherwise = 0)
    {
        if (!Has(index)) return otherwise;
        return values[index] switch
        {
            long integer => integer,
            bool flag => flag ? 1 : 0,
            Undefined undefined => throw undefined.Fault(),
            _ => throw new TemplateFault($"expected an integer but found {TypeNames.Of(values[index])}"),
        };
    }

    /// <summary>Whether the value is true; <paramref name="otherwise"/> where none was given.</summary>
    public bool Flag(int index, bool otherwise = false) => Has(index) ? Truth.Of(values[index]) : otherwise;

    /// <summary>The items of a value that can be gone through.</summary>
    public IReadOnlyList<object?> Items(int index) => Iteration.Items(values[index], Budget);

    /// <summary>A text that was made, counted.</summary>
    public string Made(string text)
    {
        Budget.NewText(text.Length);
        return text;
    }
}
