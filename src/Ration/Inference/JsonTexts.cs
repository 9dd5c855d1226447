using System.Buffers;
using System.Text.Json;

namespace Ration.Inference;

/// <summary>The texts in JSON, names of members among them.</summary>
internal static class JsonTexts
{
    /// <summary>All texts of a value.</summary>
    /// <exception cref="InvalidInputException">One holds half of a surrogate pair.</exception>
    public static List<string> Of(JsonElement value)
    {
        List<string> texts = [];
        Rewrite(value, text =>
        {
            texts.Add(text);
            return text;
        });
        return texts;
    }

    /// <summary>The value with every text replaced.</summary>
    /// <exception cref="InvalidInputException">A text holds half of a surrogate pair.</exception>
    public static JsonElement Rewrite(JsonElement value, Func<string, string> replace)
    {
        ArrayBufferWriter<byte> written = new();
        try
        {
            using Utf8JsonWriter writer = new(written);
            Write(writer, value, replace);
        }
        catch (InvalidOperationException fault)
        {
            throw new InvalidInputException("a text given to the chat template holds half of a surrogate pair; write both halves or none", fault);
        }

        Utf8JsonReader reader = new(written.WrittenSpan, new JsonReaderOptions { MaxDepth = 1000 });
        return JsonElement.ParseValue(ref reader);
    }

    // JsonDocument has bounded the depth already.
    private static void Write(Utf8JsonWriter writer, JsonElement value, Func<string, string> replace)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (JsonProperty member in value.EnumerateObject())
                {
                    writer.WritePropertyName(replace(member.Name));
                    Write(writer, member.Value, replace);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement element in value.EnumerateArray()) Write(writer, element, replace);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String: writer.WriteStringValue(replace(value.GetString()!)); break;
            case JsonValueKind.Undefined: writer.WriteNullValue(); break;
            default: value.WriteTo(writer); break;
        }
    }
}
