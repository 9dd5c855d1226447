namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>A dict, in the order in which keys were set; does not change after the expression that made it.</summary>
internal sealed class DictValue
{
    private static readonly object s_none = new();

    private readonly Dictionary<object, int> _indices = [];
    private readonly List<KeyValuePair<object?, object?>> _pairs = [];

    /// <summary>Keys and values, in order.</summary>
    public IReadOnlyList<KeyValuePair<object?, object?>> Pairs => _pairs;

    /// <summary>Sets the value of a key.</summary>
    /// <exception cref="TemplateFault">The key is of a type that a dict cannot look up.</exception>
    public void Set(object? key, object? value)
    {
        object identity = Identity(key);
        if (_indices.TryGetValue(identity, out int index))
        {
            _pairs[index] = new(_pairs[index].Key, value);
            return;
        }

        _indices[identity] = _pairs.Count;
        _pairs.Add(new(key, value));
    }

    /// <summary>Finds the value of a key; nothing has a key that cannot be looked up.</summary>
    public bool TryGet(object? key, out object? value)
    {
        bool found = _indices.TryGetValue(IsHashable(key) ? Identity(key) : this, out int index);
        value = found ? _pairs[index].Value : null;
        return found;
    }

    /// <summary>Whether a dict can look up <paramref name="key"/>.</summary>
    public static bool IsHashable(object? key) => key is null or string or bool or long or double or System.Numerics.BigInteger or Undefined;

    /// <summary>What stands for <paramref name="key"/> among keys: numbers that are equal are one key, as in Python.</summary>
    /// <exception cref="TemplateFault">A list or dict, which can be no key.</exception>
    public static object Identity(object? key) => key switch
    {
        null => s_none,
        bool flag => flag ? 1L : 0L,
        double real when real == Math.Floor(real) && Math.Abs(real) < 1L << 53 => (long)real,
        Undefined => typeof(Undefined),
        _ => IsHashable(key) ? key : throw new TemplateFault($"{TypeNames.Of(key)} cannot be a key"),
    };
}
