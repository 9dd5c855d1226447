namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Something that can be called.</summary>
internal interface ICallable
{
    /// <summary>Its name, for messages.</summary>
    string Name { get; }

    /// <summary>Calls it.</summary>
    object? Call(Rendering rendering, Arguments arguments);
}

/// <summary>Values given to a call.</summary>
/// <param name="Places">By place.</param>
/// <param name="Named">By name.</param>
internal sealed record Arguments(IReadOnlyList<object?> Places, IReadOnlyList<(string Name, object? Value)> Named)
{
    /// <summary>The same and one more.</summary>
    public Arguments With(string name, object? value) => new(Places, [.. Named, (name, value)]);
}
