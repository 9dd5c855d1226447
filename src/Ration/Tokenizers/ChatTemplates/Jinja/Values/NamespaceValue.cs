namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary><c>namespace()</c>: variables that an inner block can set for an outer one.</summary>
internal sealed class NamespaceValue
{
    private readonly Dictionary<string, object?> _attributes = new(StringComparer.Ordinal);

    /// <summary>Sets an attribute.</summary>
    public void Set(string name, object? value) => _attributes[name] = value;

    /// <summary>Finds an attribute.</summary>
    public bool TryGet(string name, out object? value) => _attributes.TryGetValue(name, out value);
}
