using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ration.Tensors;

namespace Ration.Cli.Output;

/// <summary>Results go to standard output, as UTF-8 whatever the terminal's settings are.</summary>
internal static class StandardOutput
{
    /// <summary>A writer that hands on each piece at once.</summary>
    public static StreamWriter Open() => Open(StandardStream.OpenOutput());

    /// <summary>The same to another stream.</summary>
    public static StreamWriter Open(Stream stream) => new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 256) { AutoFlush = true };

    /// <summary>A writer for text that a model wrote: on a terminal, nothing in it can move the cursor or change colours.</summary>
    public static TextWriter OpenForText() => Console.IsOutputRedirected ? Open() : new TerminalWriter(Open());

    /// <summary>A writer for results that are complete: it is not flushed before it is full or disposed.</summary>
    public static StreamWriter OpenBuffered() => new(StandardStream.OpenOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 8192);

    /// <summary>Writes one JSON object and a line end.</summary>
    public static void WriteJson(Action<JsonObject> fill)
    {
        using Stream stdout = StandardStream.OpenOutput();
        using (Utf8JsonWriter writer = new(stdout, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            fill(new JsonObject(writer));
            writer.WriteEndObject();
        }

        stdout.WriteByte((byte)'\n');
    }
}

/// <summary>The members of a JSON object that is being written.</summary>
internal readonly struct JsonObject(Utf8JsonWriter writer)
{
    /// <summary>A whole number.</summary>
    public void Number(string name, long value) => writer.WriteNumber(name, value);

    /// <summary>A number; null where it is not finite, for which JSON has no word.</summary>
    public void Number(string name, double value)
    {
        if (double.IsFinite(value)) writer.WriteNumber(name, value);
        else writer.WriteNull(name);
    }

    /// <summary>Whole numbers.</summary>
    public void Numbers(string name, IReadOnlyList<int> values)
    {
        writer.WriteStartArray(name);
        foreach (int value in values) writer.WriteNumberValue(value);
        writer.WriteEndArray();
    }

    /// <summary>Whole numbers.</summary>
    public void Numbers(string name, IReadOnlyList<long> values)
    {
        writer.WriteStartArray(name);
        foreach (long value in values) writer.WriteNumberValue(value);
        writer.WriteEndArray();
    }

    /// <summary>Texts.</summary>
    public void Texts(string name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        foreach (string value in values) writer.WriteStringValue(value);
        writer.WriteEndArray();
    }

    /// <summary>A text or null.</summary>
    public void TextOrNull(string name, string? value) => writer.WriteString(name, value);

    /// <summary>Objects in a row.</summary>
    public void Objects<T>(string name, IReadOnlyList<T> values, Action<JsonObject, T> fill)
    {
        writer.WriteStartArray(name);
        foreach (T value in values)
        {
            writer.WriteStartObject();
            fill(this, value);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>How many there are of each of some types.</summary>
    public void Counts(string name, IReadOnlyDictionary<DType, int> counts)
    {
        writer.WriteStartObject(name);
        foreach ((DType type, int count) in counts) writer.WriteNumber(type.ToString(), count);
        writer.WriteEndObject();
    }

    /// <summary>A text.</summary>
    public void Text(string name, string value) => writer.WriteString(name, value);

    /// <summary>True or false.</summary>
    public void Flag(string name, bool value) => writer.WriteBoolean(name, value);

    /// <summary>An object within.</summary>
    public void Object(string name, Action<JsonObject> fill)
    {
        writer.WriteStartObject(name);
        fill(this);
        writer.WriteEndObject();
    }
}
