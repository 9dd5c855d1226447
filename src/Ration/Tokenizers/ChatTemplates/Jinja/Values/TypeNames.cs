namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>Names of types, as Python prints them.</summary>
internal static class TypeNames
{
    /// <summary>The name of the type of <paramref name="value"/>.</summary>
    public static string Of(object? value) => value switch
    {
        null => "none",
        bool => "a boolean",
        long or System.Numerics.BigInteger => "an integer",
        double => "a float",
        string => "text",
        DictValue => "a dict",
        Undefined => "an undefined value",
        NamespaceValue => "a namespace",
        LoopValue => "the loop",
        ICallable => "a function",
        SequenceValue sequence => sequence.Kind switch
        {
            SequenceKind.List => "a list",
            SequenceKind.Tuple => "a tuple",
            SequenceKind.Range => "a range",
            SequenceKind.View => $"a {sequence.Name}",
            _ => "a generator",
        },
        _ => "an object",
    };
}
