using System.Text.Json;

namespace Ration.Files.HuggingFace;

/// <summary>A key of a configuration that its reader did not ask for.</summary>
/// <param name="Prefix">The objects that it is in, each with a point after it.</param>
/// <param name="Name">The key.</param>
/// <param name="Value">What it says.</param>
internal readonly record struct UnaskedKey(string Prefix, string Name, JsonElement Value)
{
    /// <summary>Whether it says nothing: null, false, or nothing in brackets or quotation marks.</summary>
    public bool IsEmpty => Value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Array => Value.GetArrayLength() == 0,
        JsonValueKind.Object => !Value.EnumerateObject().Any(),
        JsonValueKind.String => Value.ValueEquals(""u8),
        _ => false,
    };

    /// <summary>Whether it is this number.</summary>
    public bool Is(double number) => Value.ValueKind == JsonValueKind.Number && Value.TryGetDouble(out double value) && Math.Abs(value - number) <= 1e-6 * Math.Abs(number);

    /// <summary>Whether it is this truth value.</summary>
    public bool Is(bool truth) => Value.ValueKind == (truth ? JsonValueKind.True : JsonValueKind.False);

    /// <summary>Whether it is one of these words, in whatever letters.</summary>
    public bool IsOneOf(params ReadOnlySpan<string> words)
    {
        if (Value.ValueKind != JsonValueKind.String) return false;
        string value = Value.GetString()!;
        foreach (string word in words)
        {
            if (string.Equals(value, word, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    /// <summary>Whether it is a list of nothing else than this.</summary>
    public bool IsAll(Func<JsonElement, bool> item) => Value.ValueKind == JsonValueKind.Array && Value.EnumerateArray().All(item);
}
