namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Which of Python's sequences a <see cref="SequenceValue"/> is.</summary>
internal enum SequenceKind
{
    /// <summary><c>[a, b]</c></summary>
    List,

    /// <summary><c>(a, b)</c></summary>
    Tuple,

    /// <summary>What <c>range</c> returns.</summary>
    Range,

    /// <summary>What <c>keys</c>, <c>values</c> and <c>items</c> of a dict return: has a length, but no item can be asked for.</summary>
    View,

    /// <summary>What <c>map</c>, <c>select</c> and their like return: can be read once, has no length, and is always true.</summary>
    Generator,
}

/// <summary>A sequence; never changes, but that a generator is empty after it was read.</summary>
/// <param name="kind">Which of Python's sequences it is.</param>
/// <param name="items">What is in it.</param>
/// <param name="name">How a view prints itself: <c>dict_keys</c>.</param>
internal sealed class SequenceValue(SequenceKind kind, IReadOnlyList<object?> items, string name = "")
{
    private bool _read;

    /// <summary>Which of Python's sequences it is.</summary>
    public SequenceKind Kind { get; } = kind;

    /// <summary>How a view prints itself.</summary>
    public string Name { get; } = name;

    /// <summary>What is in it, even if it was read already.</summary>
    public IReadOnlyList<object?> Items { get; } = items;

    /// <summary>Whether items can be asked for by index.</summary>
    public bool HasItems => Kind is SequenceKind.List or SequenceKind.Tuple or SequenceKind.Range;

    /// <summary>Reads it: a generator has nothing afterwards.</summary>
    public IReadOnlyList<object?> Read()
    {
        if (Kind != SequenceKind.Generator) return Items;
        bool before = _read;
        _read = true;
        return before ? [] : Items;
    }

    /// <summary>A list of these items.</summary>
    public static SequenceValue List(IReadOnlyList<object?> items) => new(SequenceKind.List, items);

    /// <summary>A tuple of these items.</summary>
    public static SequenceValue Tuple(params object?[] items) => new(SequenceKind.Tuple, items);

    /// <summary>A generator of these items.</summary>
    public static SequenceValue Generator(IReadOnlyList<object?> items) => new(SequenceKind.Generator, items);
}
