using System.Globalization;
using System.Text.Json;

namespace Ration.Files.HuggingFace;

/// <summary>An object of a <c>config.json</c>: typed look-ups that refuse what is not what it should be, by its name. It remembers what was asked for.</summary>
internal sealed class ConfigObject
{
    private const int LongestList = 1 << 16;
    private readonly string _path;
    private readonly JsonElement _element;
    private readonly string _prefix;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ConfigObject> _objects = new(StringComparer.Ordinal);

    /// <summary>The object at the top of a file, or inside another.</summary>
    /// <exception cref="FileFormatException">It is not an object.</exception>
    public ConfigObject(string path, JsonElement element, string prefix = "")
    {
        (_path, _element, _prefix) = (path, element, prefix);
        if (element.ValueKind != JsonValueKind.Object)
            throw new FileFormatException(path, prefix.Length == 0 ? "the file is not a JSON object" : $"{prefix.TrimEnd('.')} is not an object", "check which file this is");
    }

    /// <summary>A fault of the file.</summary>
    public FileFormatException Fault(string what, string howToMend) => new(_path, what, howToMend);

    /// <summary>Whether the key is there at all, be it with null.</summary>
    public bool Names(string key) => Find(key, out _);

    /// <summary>Whether the key has a value other than null.</summary>
    public bool Has(string key) => Present(key) is not null;

    /// <summary>A whole number within a range; absent and null mean <paramref name="fallback"/>, or a fault where that is null.</summary>
    public int Integer(string key, int low, int high, int? fallback = null)
    {
        if (Present(key) is not { } value) return fallback ?? throw Fault($"{_prefix}{key} is missing", "add it");
        return Whole(key, value, low, high);
    }

    /// <summary>A whole number within a range, where null means none and is not what absence means.</summary>
    public int? OptionalInteger(string key, int low, int high, int? absent) =>
        !Names(key) ? absent : Has(key) ? Integer(key, low, high) : null;

    /// <summary>A finite number in [low, high]; absent and null mean <paramref name="fallback"/>, or a fault where that is null.</summary>
    public double Real(string key, double low, double high, double? fallback = null)
    {
        if (Present(key) is not { } value) return fallback ?? throw Fault($"{_prefix}{key} is missing", "add it");
        return Number(key, value, low, high);
    }

    /// <summary>A number, where null means none and is not what absence means.</summary>
    public double? OptionalReal(string key, double low, double high, double? absent) =>
        !Names(key) ? absent : Has(key) ? Real(key, low, high) : null;

    /// <summary>True or false.</summary>
    public bool Flag(string key, bool fallback = false)
    {
        if (Present(key) is not { } value) return fallback;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Fault($"{_prefix}{key} is {Print(value)}", "give true or false");
    }

    /// <summary>A string, or null.</summary>
    public string? Text(string key)
    {
        if (Present(key) is not { } value) return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Fault($"{_prefix}{key} is {Print(value)}", "give a string");
    }

    /// <summary>An object, or null.</summary>
    public ConfigObject? Object(string key)
    {
        if (_objects.TryGetValue(key, out ConfigObject? known)) return known;
        if (Present(key) is not { } value) return null;
        ConfigObject found = new(_path, value, $"{_prefix}{key}.");
        _objects.Add(key, found);
        return found;
    }

    /// <summary>A list of strings, or null.</summary>
    public string[]? Texts(string key) => List(key, (name, item) =>
        item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Fault($"{name} holds {Print(item)}", "give strings"));

    /// <summary>A list of numbers, or null.</summary>
    public double[]? Reals(string key) => List(key, Number);

    /// <summary>A whole number or a list of them; empty where there is none.</summary>
    public int[] Integers(string key, int low, int high)
    {
        if (Present(key) is not { } value) return [];
        if (value.ValueKind == JsonValueKind.Number) return [Integer(key, low, high)];
        return List(key, (name, item) => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int number) && number >= low && number <= high
            ? number
            : throw Fault($"{name} holds {Print(item)}", $"give whole numbers from {low} to {high}"))!;
    }

    /// <summary>The whole numbers in an object by their names, in its order; empty where there is none.</summary>
    public KeyValuePair<string, int>[] IntegersByName(string key, int low, int high) => ByName(key, (name, value) => Whole(name, value, low, high));

    /// <summary>The numbers in an object by their names, in its order; empty where there is none.</summary>
    public KeyValuePair<string, double>[] RealsByName(string key, double low, double high) => ByName(key, (name, value) => Number(name, value, low, high));

    /// <summary>Refuses a flag that is not set as it must be.</summary>
    public void Require(string key, bool expected, string reason)
    {
        if (Flag(key, expected) != expected) throw Fault($"{_prefix}{key} is {(expected ? "false" : "true")}", reason);
    }

    /// <summary>Says that keys are known and mean nothing here, as another key decides.</summary>
    public void PassOver(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys) _asked.Add(key);
    }

    /// <summary>The keys that nobody asked for, here and in the objects that were, each with the name of its object.</summary>
    public IEnumerable<UnaskedKey> Unasked()
    {
        foreach (JsonProperty property in _element.EnumerateObject())
        {
            if (!_asked.Contains(property.Name)) yield return new UnaskedKey(_prefix, property.Name, property.Value);
        }

        foreach (ConfigObject inner in _objects.Values)
        {
            foreach (UnaskedKey key in inner.Unasked()) yield return key;
        }
    }

    private static string Print(JsonElement value) => InvalidInputException.Quote(value.GetRawText());

    private int Whole(string name, JsonElement value, int low, int high)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out int number))
            throw Fault($"{_prefix}{name} is {Print(value)}", "give a whole number");
        return number >= low && number <= high ? number : throw Fault($"{_prefix}{name} is {number}", $"give a number from {low} to {high}");
    }

    private double Number(string name, JsonElement value, double low, double high)
    {
        double number = Number(name, value);
        return number >= low && number <= high
            ? number
            : throw Fault($"{_prefix}{name} is {number.ToString("R", CultureInfo.InvariantCulture)}", string.Create(CultureInfo.InvariantCulture, $"give a number from {low} to {high}"));
    }

    private double Number(string name, JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number)
        ? number
        : throw Fault($"{_prefix}{name} is {Print(value)}", "give a number");

    private T[]? List<T>(string key, Func<string, JsonElement, T> convert)
    {
        if (Present(key) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Array) throw Fault($"{_prefix}{key} is {Print(value)}", "give a list");
        int length = value.GetArrayLength();
        if (length > LongestList) throw Fault($"{_prefix}{key} has {length} entries", $"give at most {LongestList}");
        T[] items = new T[length];
        int count = 0;
        foreach (JsonElement item in value.EnumerateArray()) items[count++] = convert($"{_prefix}{key}", item);
        return items;
    }

    // In one pass, as a look-up of each name would search the object from its end.
    private KeyValuePair<string, T>[] ByName<T>(string key, Func<string, JsonElement, T> convert)
    {
        if (Present(key) is not { } value) return [];
        if (value.ValueKind != JsonValueKind.Object) throw Fault($"{_prefix}{key} is not an object", "give names with a number each");
        return [.. value.EnumerateObject().Select(property => KeyValuePair.Create(property.Name, convert($"{key}.{property.Name}", property.Value)))];
    }

    private JsonElement? Present(string key) =>
        Find(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private bool Find(string key, out JsonElement value)
    {
        _asked.Add(key);
        return _element.TryGetProperty(key, out value);
    }
}
