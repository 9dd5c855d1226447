namespace Ration.Tokenizers.ChatTemplates.Jinja;

/// <summary>Variables of a block; what a loop or macro sets is not seen outside of it.</summary>
internal sealed class Scope(Scope? outer)
{
    private Dictionary<string, object?>? _variables;

    /// <summary>Sets a variable of this scope.</summary>
    public void Set(string name, object? value) => (_variables ??= new(StringComparer.Ordinal))[name] = value;

    /// <summary>Finds a variable here or further out.</summary>
    public bool TryGet(string name, out object? value)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables is { } variables && variables.TryGetValue(name, out value)) return true;
        }

        value = null;
        return false;
    }

    private Scope? Outer { get; } = outer;
}
