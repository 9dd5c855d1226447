using Ration.Tokenizers.ChatTemplates.Jinja.Library;
using Ration.Tokenizers.ChatTemplates.Jinja.Tree;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Attributes and items of values: <c>x.name</c> takes a method before an item, <c>x['name']</c> an item before a method.</summary>
internal static class Members
{
    /// <summary><c>value.name</c>.</summary>
    /// <exception cref="TemplateFault"><paramref name="value"/> is undefined.</exception>
    public static object? Attribute(object? value, string name)
    {
        if (value is Undefined undefined) throw undefined.Fault();
        if (TryAttribute(value, name, out object? found)) return found;
        return value is DictValue dict && dict.TryGet(name, out found) ? found : Absent(value, name);
    }

    /// <summary><c>value[key]</c>.</summary>
    /// <exception cref="TemplateFault"><paramref name="value"/> is undefined.</exception>
    public static object? Item(object? value, object? key, Budget budget)
    {
        if (value is Undefined undefined) throw undefined.Fault();
        object? found;
        switch (value)
        {
            case DictValue dict when dict.TryGet(key, out found): return found;
            case SequenceValue { HasItems: true } sequence when Index(key, sequence.Items.Count) is int index: return sequence.Items[index];
            case string text when key is long or bool:
                budget.Characters(text.Length);
                if (Index(key, PythonText.Length(text)) is not int character) break;
                int unit = PythonText.UnitOf(text, character);
                return text.Substring(unit, PythonText.IsPair(text, unit) ? 2 : 1);
        }

        return key is string name && TryAttribute(value, name, out found) ? found : Absent(value, key is string or long ? key.ToString()! : TypeNames.Of(key));
    }

    private static int? Index(object? key, int count)
    {
        long? index = key switch { long integer => integer, bool flag => flag ? 1 : 0, _ => null };
        if (index < 0) index += count;
        return index >= 0 && index < count ? (int)index : null;
    }

    /// <summary>Finds an attribute or method, but no item.</summary>
    public static bool TryAttribute(object? value, string name, out object? found)
    {
        switch (value)
        {
            case NamespaceValue space: return space.TryGet(name, out found);
            case LoopValue loop: return loop.TryGet(name, out found);
            case Macro { } macro when name == "name":
                found = macro.Name;
                return true;
            default:
                found = Methods.Find(value, name);
                return found is not null;
        }
    }

    private static Undefined Absent(object? value, string name) => new($"{TypeNames.Of(value)} has no {InvalidInputException.Quote(name)}");
}
