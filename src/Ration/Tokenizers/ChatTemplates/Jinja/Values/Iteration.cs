namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Going through values.</summary>
internal static class Iteration
{
    /// <summary>Whether <see cref="Items"/> takes it.</summary>
    public static bool IsIterable(object? value) => value is string or SequenceValue or DictValue or Undefined or LoopValue;

    /// <summary>What a loop over <paramref name="value"/> goes through: items, keys of a dict, characters of a text, nothing where it is
    /// undefined.</summary>
    /// <exception cref="TemplateFault">It cannot be gone through.</exception>
    public static IReadOnlyList<object?> Items(object? value, Budget budget)
    {
        IReadOnlyList<object?> items = value switch
        {
            SequenceValue sequence => sequence.Read(),
            DictValue dict => Keys(dict, budget),
            string text => Characters(text, budget),
            Undefined => [],
            _ => throw new TemplateFault($"{TypeNames.Of(value)} cannot be iterated over"),
        };
        budget.Steps(1 + (items.Count / 16));
        return items;
    }

    /// <summary>How many items or characters there are.</summary>
    /// <exception cref="TemplateFault">It has no length.</exception>
    public static long Length(object? value, Budget budget) => value switch
    {
        string text => Length(text, budget),
        SequenceValue { Kind: not SequenceKind.Generator } sequence => sequence.Items.Count,
        DictValue dict => dict.Pairs.Count,
        Undefined => 0,
        LoopValue loop when loop.TryGet("length", out object? length) => (long)length!,
        _ => throw new TemplateFault($"{TypeNames.Of(value)} has no length"),
    };

    private static int Length(string text, Budget budget)
    {
        budget.Characters(text.Length);
        return PythonText.Length(text);
    }

    private static object?[] Keys(DictValue dict, Budget budget)
    {
        budget.Steps(dict.Pairs.Count);
        return [.. dict.Pairs.Select(static p => p.Key)];
    }

    private static List<object?> Characters(string text, Budget budget)
    {
        budget.Steps(text.Length);
        List<object?> characters = new(text.Length);
        for (int i = 0, length; i < text.Length; i += length)
        {
            length = PythonText.IsPair(text, i) ? 2 : 1;
            characters.Add(text.Substring(i, length));
        }

        return characters;
    }
}
