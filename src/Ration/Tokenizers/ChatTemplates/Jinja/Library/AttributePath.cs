using System.Globalization;
using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>What filters call an attribute: <c>"address.city"</c>, items of items; digits are indices.</summary>
internal sealed class AttributePath
{
    private readonly object?[] _keys;

    private AttributePath(object?[] keys) => _keys = keys;

    /// <summary>The path that an argument of a filter says; none is the item itself.</summary>
    public static AttributePath Of(object? attribute) => attribute switch
    {
        null => new([]),
        string text => new([.. text.Split('.').Select(Key)]),
        _ => new([attribute]),
    };

    /// <summary>The attribute of an item; <paramref name="otherwise"/>, if that is not none, stands for what is undefined on the way.</summary>
    public object? Of(object? item, Budget budget, object? otherwise = null)
    {
        foreach (object? key in _keys)
        {
            budget.Steps(1);
            item = Members.Item(item, key, budget);
            if (item is Undefined && otherwise is not null) item = otherwise;
        }

        return item;
    }

    /// <summary>The attribute of each item.</summary>
    public object?[] All(IReadOnlyList<object?> items, Budget budget, object? otherwise = null)
    {
        object?[] values = new object?[items.Count];
        for (int i = 0; i < values.Length; i++) values[i] = Of(items[i], budget, otherwise);
        return values;
    }

    private static object Key(string part) =>
        part.Length > 0 && part.All(char.IsAsciiDigit) && long.TryParse(part, CultureInfo.InvariantCulture, out long index) ? index : part;
}
