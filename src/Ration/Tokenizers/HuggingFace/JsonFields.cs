using System.Text.Json;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>The fields of a JSON object as raw text, so that large ones can be read without building a tree of them.</summary>
internal sealed class JsonFields
{
    private const int SmallField = 4 << 20;

    private readonly Dictionary<string, ReadOnlyMemory<byte>> _fields = new(StringComparer.Ordinal);
    private readonly string _what;

    /// <summary>Finds the fields of an object.</summary>
    /// <param name="text">The object, UTF-8.</param>
    /// <param name="what">How messages call it.</param>
    /// <exception cref="FormatException">It is no object, or a name is given twice.</exception>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public JsonFields(ReadOnlyMemory<byte> text, string what)
    {
        _what = what;
        var reader = new Utf8JsonReader(text.Span);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new FormatException($"{what} is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            int start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (!_fields.TryAdd(name, text[start..(int)reader.BytesConsumed])) throw new FormatException($"{what} gives {InvalidInputException.Quote(name)} twice");
        }

        if (reader.Read()) throw new FormatException($"something follows {what}");
    }

    /// <summary>The text of a field; empty if it is missing or null.</summary>
    public ReadOnlyMemory<byte> Raw(string name) =>
        _fields.TryGetValue(name, out ReadOnlyMemory<byte> text) && !text.Span.SequenceEqual("null"u8) ? text : default;

    /// <summary>A field that is not large; undefined if it is missing or null.</summary>
    /// <exception cref="FormatException">It has more than four million bytes.</exception>
    public JsonElement Element(string name)
    {
        ReadOnlyMemory<byte> text = Raw(name);
        if (text.IsEmpty) return default;
        if (text.Length > SmallField) throw new FormatException($"{name} of {_what} has {text.Length} bytes, too many");
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    /// <summary>A string; null if it is missing or null.</summary>
    public string? Text(string name) => Element(name).TextOrNull(name);

    /// <summary>A truth value.</summary>
    public bool Flag(string name, bool otherwise = false) => Element(name).FlagOr(name, otherwise);

    /// <summary>A whole number.</summary>
    public int Integer(string name, int otherwise) => Element(name).IntegerOr(name, otherwise);
}
