using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Ration.Files;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>The small files beside a tokenizer that say how it is used.</summary>
internal static class TokenizerFolder
{
    /// <summary>The name of the file with the marks and the templates.</summary>
    public const string ConfigName = "tokenizer_config.json";

    private const int SmallFile = 4 << 20;
    private const string HowToMend = "mend it or copy it again from the model's source";

    /// <summary>Puts a tokenizer and what the files of its folder say together.</summary>
    /// <exception cref="FileFormatException">One of them is damaged.</exception>
    public static TokenizerDescription Describe(string folder, ReadTokenizer read)
    {
        string configPath = Path.Combine(folder, ConfigName);
        JsonElement config = ReadObject(configPath);
        JsonElement map = ReadObject(Path.Combine(folder, "special_tokens_map.json"));
        string generationPath = Path.Combine(folder, "generation_config.json");
        JsonElement generation = ReadObject(generationPath);
        return Checked(configPath, () =>
        {
            string? beginning = TokenText(config, map, "bos_token"), end = TokenText(config, map, "eos_token"), padding = TokenText(config, map, "pad_token");
            bool addBeginning = config.Member("add_bos_token").FlagOr("add_bos_token", read.AddBeginning), addEnd = config.Member("add_eos_token").FlagOr("add_eos_token", read.AddEnd);
            // What the post-processor adds may be another token than the one at which generation stops, as in models for embeddings.
            int? stopId = Find(read, end) ?? read.EndId;
            int? beginningId = addBeginning && read is { HasPostProcessor: true, AddBeginning: true } ? read.BeginningId : Find(read, beginning) ?? read.BeginningId;
            int? endId = addEnd && read is { HasPostProcessor: true, AddEnd: true } ? read.EndId : stopId;
            addBeginning &= beginningId is not null;
            addEnd &= endId is not null;
            Dictionary<string, string> templates = ReadTemplates(folder, config);
            int count = read.Added.Aggregate(read.Vocabulary.Count, static (most, token) => Math.Max(most, token.Id + 1));
            int[] ends = Checked(generationPath, () => EndIds(generation, stopId, count));
            TextTokenizer tokenizer = new(read.Inner, read.Added) { BeginningId = beginningId, EndId = endId, EndIds = ends, AddBeginning = addBeginning, AddEnd = addEnd };
            return new TokenizerDescription
            {
                Tokenizer = tokenizer,
                BeginningId = beginningId,
                BeginningText = beginning ?? (beginningId is { } b ? read.TextOf(b) : null),
                EndText = end ?? (stopId is { } e ? read.TextOf(e) : null),
                EndIds = ends,
                PaddingId = Find(read, padding),
                AddBeginning = addBeginning,
                AddEnd = addEnd,
                ChatTemplate = templates.GetValueOrDefault("default"),
                ChatTemplates = templates,
            };
        });
    }

    private static T Checked<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            throw new FileFormatException(path, e.Message, HowToMend, e);
        }
    }

    private static int? Find(ReadTokenizer read, string? text) => text is null ? null : read.Find(text);

    // A token is its text or an object with the text as its content.
    private static string? TokenText(JsonElement config, JsonElement map, string name)
    {
        foreach (JsonElement file in (ReadOnlySpan<JsonElement>)[config, map])
        {
            JsonElement token = file.Member(name);
            if (token.ValueKind == JsonValueKind.Object) token = token.Member("content");
            if (token.TextOrNull(name) is { } text) return text;
        }

        return null;
    }

    private static int[] EndIds(JsonElement generation, int? stopId, int count)
    {
        List<int> ids = [];
        JsonElement given = generation.Member("eos_token_id");
        if (given.ValueKind == JsonValueKind.Array) ids.AddRange(given.EnumerateArray().Select(static id => id.IntegerOr("eos_token_id", -1)));
        else if (given.IsGiven()) ids.Add(given.IntegerOr("eos_token_id", -1));
        if (stopId is { } stop) ids.Add(stop);
        // Files name tokens that a model does not have; nothing can stop at those.
        return [.. ids.Where(id => id >= 0 && id < count).Distinct()];
    }

    private static Dictionary<string, string> ReadTemplates(string folder, JsonElement config)
    {
        var templates = new Dictionary<string, string>(StringComparer.Ordinal);
        JsonElement given = config.Member("chat_template");
        if (given.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement named in given.EnumerateArray())
            {
                string name = named.Member("name").TextOrNull("the name of a chat template") ?? "default";
                templates[name] = named.Member("template").TextOrNull("template") ?? throw new FormatException($"the chat template {InvalidInputException.Quote(name)} has no text");
            }
        }
        else if (given.TextOrNull("chat_template") is { } template)
        {
            templates["default"] = template;
        }

        string path = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(path)) templates["default"] = Encoding.UTF8.GetString(ReadSmall(path));
        return templates;
    }

    private static JsonElement ReadObject(string path)
    {
        if (!File.Exists(path)) return default;
        try
        {
            using JsonDocument document = JsonDocument.Parse(ReadSmall(path));
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : throw new FileFormatException(path, "the file is not a JSON object", HowToMend);
        }
        catch (JsonException e)
        {
            throw JsonFault.Of(path, e, HowToMend);
        }
    }

    private static byte[] ReadSmall(string path)
    {
        using SafeFileHandle handle = InputFile.Open(path, out long length);
        if (length > SmallFile) throw new FileFormatException(path, $"the file has {length} bytes, too many", "check which file this is");
        byte[] bytes = new byte[length];
        InputFile.ReadExactly(handle, path, 0, bytes);
        return bytes;
    }
}
