using System.Text;
using System.Text.Json;
using Ration.Files;

namespace Ration.Cli.Inspection;

/// <summary>The members of a small JSON file as keys and values.</summary>
internal static class JsonMetadata
{
    /// <summary>Reads the members of the outermost object; those of an object within follow its name and a dot.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, is too large, or is no JSON object.</exception>
    public static IReadOnlyList<(string Key, string Value)> Read(string path) => HuggingFaceFolder.ReadJson(path, static (path, root) =>
    {
        if (root.ValueKind != JsonValueKind.Object) throw new FileFormatException(path, "the file is not a JSON object", "copy it again from the model's source");
        List<(string, string)> members = [];
        foreach (JsonProperty property in root.EnumerateObject()) Add(members, property.Name, property.Value);
        return members;
    });

    /// <summary>The architecture that a <c>config.json</c> names, or null.</summary>
    public static string? Architecture(IReadOnlyList<(string Key, string Value)> metadata) =>
        metadata.FirstOrDefault(static m => m.Key == "model_type").Value ?? metadata.FirstOrDefault(static m => m.Key == "architectures").Value;

    private static void Add(List<(string, string)> members, string name, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object && !name.Contains('.', StringComparison.Ordinal))
        {
            foreach (JsonProperty inner in value.EnumerateObject()) Add(members, $"{name}.{inner.Name}", inner.Value);
            return;
        }

        members.Add((name, value.ValueKind == JsonValueKind.String ? value.GetString()! : Compact(value)));
    }

    // Without the line ends of the file.
    private static string Compact(JsonElement value)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter writer = new(bytes)) value.WriteTo(writer);
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }
}
