namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>What counts as true.</summary>
internal static class Truth
{
    /// <summary>Whether <paramref name="value"/> counts as true: neither none, undefined, zero nor empty.</summary>
    public static bool Of(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long integer => integer != 0,
        double real => real != 0,
        string text => text.Length > 0,
        DictValue dict => dict.Pairs.Count > 0,
        SequenceValue sequence => sequence.Kind == SequenceKind.Generator || sequence.Items.Count > 0,
        _ => true,
    };
}
