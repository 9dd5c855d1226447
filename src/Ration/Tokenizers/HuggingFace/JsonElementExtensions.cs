using System.Text.Json;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Values of JSON objects in which null and absent mean the same. A value of another type is a <see cref="FormatException"/>.</summary>
internal static class JsonElementExtensions
{
    /// <summary>A member of an object; undefined if there is none.</summary>
    public static JsonElement Member(this JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) ? value : default;

    /// <summary>Whether there is a value.</summary>
    public static bool IsGiven(this JsonElement value) => value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>The string, or null if there is none.</summary>
    public static string? TextOrNull(this JsonElement value, string name) => !value.IsGiven() ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString() : throw new FormatException($"{name} is not a string");

    /// <summary>The truth value.</summary>
    public static bool FlagOr(this JsonElement value, string name, bool otherwise) => !value.IsGiven() ? otherwise
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw new FormatException($"{name} is neither true nor false");

    /// <summary>The whole number.</summary>
    public static int IntegerOr(this JsonElement value, string name, int otherwise) => !value.IsGiven() ? otherwise
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw new FormatException($"{name} is not a whole number");

    /// <summary>The elements of an array; none if it is missing.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement value, string name) => !value.IsGiven() ? []
        : value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw new FormatException($"{name} is not a list");
}
