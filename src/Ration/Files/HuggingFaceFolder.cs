using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Ration.Files.HuggingFace;
using Ration.Files.Safetensors;
using Ration.Models;

namespace Ration.Files;

/// <summary>A model folder as the Hugging Face libraries lay it out: <c>config.json</c> beside safetensors files.</summary>
public static class HuggingFaceFolder
{
    /// <summary>The name of the configuration file.</summary>
    public const string ConfigName = "config.json";

    /// <summary>The name of the file with the settings of text generation.</summary>
    public const string GenerationConfigName = "generation_config.json";

    private const int ConfigLimit = 4 << 20;
    private const int LargestId = 4_000_000;

    private static readonly string[] s_tokenizers = ["tokenizer.json", "tokenizer.model"];

    private static readonly string[] s_companions =
    [
        .. s_tokenizers, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json",
        GenerationConfigName,
    ];

    /// <summary>Writes <c>config.json</c> atomically into a folder that exists. Conventions of other files are changed to those of Hugging Face
    /// ones (see <see cref="Conventional"/>); the weights must be stored so too.</summary>
    /// <exception cref="InvalidInputException">The configuration is not one that <see cref="ReadConfig"/> would give back.</exception>
    public static void WriteConfig(string folder, HuggingFaceConfig config)
    {
        byte[] bytes = ComposeConfig(folder, config);
        AtomicFile.Write(Path.Combine(folder, ConfigName), stream => stream.Write(bytes));
    }

    /// <summary>Reads and checks <c>config.json</c>, and the ends of texts in <c>generation_config.json</c>, which go before its own.</summary>
    /// <exception cref="FileFormatException">A file is no JSON object, a number is missing or out of range, or the architecture is not
    /// supported.</exception>
    /// <exception cref="InvalidInputException">The file is missing or may not be read.</exception>
    public static HuggingFaceConfig ReadConfig(string folder)
    {
        if (!File.Exists(Path.Combine(folder, ConfigName))) throw new InvalidInputException($"{folder}: this folder has no {ConfigName}; name the folder or file of a model");
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        HuggingFaceConfig config = ReadJson(Path.Combine(folder, ConfigName), (path, root) => HuggingFaceConfigReader.Read(path, root, name));
        string generation = Path.Combine(folder, GenerationConfigName);
        if (!File.Exists(generation)) return config;
        int[] ends = ReadJson(generation, static (path, root) => new ConfigObject(path, root).Integers("eos_token_id", -1, LargestId));
        return ends.Length == 0 ? config : config with { EndIds = [.. ends.Where(static id => id >= 0)] };
    }

    /// <summary>The same model under the conventions of Hugging Face files: the halves of a head are rotated, and Gemma's gains are stored less
    /// one.</summary>
    public static ModelConfiguration Conventional(ModelConfiguration model) => model with
    {
        RotaryPairing = Graphs.Ops.RotaryPairing.Halves,
        NormGainOffset = model.Family is ModelFamily.Gemma or ModelFamily.Gemma2 or ModelFamily.Gemma3 ? 1 : 0,
    };

    /// <summary>The bytes that <see cref="WriteConfig"/> would write.</summary>
    /// <exception cref="InvalidInputException">The configuration is not one that <see cref="ReadConfig"/> would give back.</exception>
    internal static byte[] ComposeConfig(string folder, HuggingFaceConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        HuggingFaceConfig written = config with { Model = Conventional(config.Model) };
        byte[] bytes = Compose(written);
        RequireReadable(Path.Combine(folder, ConfigName), bytes, written.Model);
        return bytes;
    }

    /// <summary>Opens the weights of a folder: one safetensors file, or several with an index.</summary>
    /// <exception cref="InvalidInputException">There are none, or they are damaged.</exception>
    internal static ITensorSource OpenWeights(string folder) => SafetensorsFolder.Open(folder);

    /// <summary>Reads a small JSON file, of 4 MiB at most, of which every object has distinct names.</summary>
    /// <param name="path">The file.</param>
    /// <param name="read">Given the path and the outermost value, makes the result; its <see cref="InvalidOperationException"/> counts as damage.</param>
    /// <exception cref="InvalidInputException">It is missing, damaged or too large.</exception>
    public static T ReadJson<T>(string path, Func<string, JsonElement, T> read)
    {
        using SafeFileHandle handle = InputFile.Open(path, out long length);
        if (length > ConfigLimit)
            throw new FileFormatException(path, $"the file has {length} bytes, too many for a configuration", "check which file this is");
        byte[] bytes = new byte[length];
        InputFile.ReadExactly(handle, path, 0, bytes);
        try
        {
            using var document = JsonDocument.Parse(bytes);
            RequireDistinct(path, document.RootElement);
            return read(path, document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw JsonFault.Of(path, e, "mend it or copy it again from the model's source");
        }
    }

    /// <summary>What a file of this name is in the folder of a model; null for what is no part of one.</summary>
    internal static string? DescribePart(string path)
    {
        string name = Path.GetFileName(path);
        if (name == ConfigName) return "the configuration of a model";
        if (s_tokenizers.Contains(name)) return "the tokenizer of a model";
        if (name.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)) return "a file of weights";
        return s_companions.Contains(name) || name.EndsWith(".safetensors.index.json", StringComparison.OrdinalIgnoreCase) ? "one file of a model" : null;
    }

    /// <summary>The file of a folder that is its tokenizer; null where it has none.</summary>
    public static string? TokenizerOf(string folder) => Array.Find(s_tokenizers, name => File.Exists(Path.Combine(folder, name)));

    /// <summary>
    /// Takes away what a folder says about a tokenizer and about generation, as those of a model that was replaced: whoever reads the folder would take
    /// them for this one's.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="but">The files that belong to the model.</param>
    internal static void DeleteCompanions(string folder, IEnumerable<string> but)
    {
        foreach (string name in s_companions.Except(but)) File.Delete(Path.Combine(folder, name));
    }

    /// <summary>Copies what a folder says about its tokenizer and about generation, as far as it is there.</summary>
    /// <param name="from">The folder.</param>
    /// <param name="to">The other.</param>
    /// <param name="fallback">A folder whose settings of generation do where the first has none; null for none.</param>
    /// <returns>The names of the files.</returns>
    internal static IReadOnlyList<string> CopyCompanions(string from, string to, string? fallback = null)
    {
        List<string> copied = [.. Copy(from, to, s_companions)];
        if (fallback is not null && !copied.Contains(GenerationConfigName)) copied.AddRange(Copy(fallback, to, [GenerationConfigName]));
        return copied;
    }

    private static string[] Copy(string from, string to, string[] names)
    {
        string[] there = [.. names.Where(name => InputFile.HasContent(Path.Combine(from, name)))];
        foreach (string name in there) AtomicFile.Write(Path.Combine(to, name), stream => InputFile.CopyTo(Path.Combine(from, name), stream));
        return there;
    }

    private static byte[] Compose(HuggingFaceConfig config)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" })) new HuggingFaceConfigWriter(json, config).Write();
        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    // A family's file cannot say everything that a configuration can.
    private static void RequireReadable(string path, byte[] bytes, ModelConfiguration model)
    {
        ModelConfiguration read;
        try
        {
            using var document = JsonDocument.Parse(bytes);
            read = HuggingFaceConfigReader.Read(path, document.RootElement, model.Name).Model;
        }
        catch (InvalidInputException e)
        {
            throw Inexpressible(path, model, e is FileFormatException file ? file.What : e.Message, e);
        }

        if (!SameNumbers(read, model)) throw Inexpressible(path, model, $"it would be read with {Differences(read, model)}", null);
    }

    private static InvalidInputException Inexpressible(string path, ModelConfiguration model, string why, Exception? cause) =>
        new($"{path}: no configuration of a {model.Family} model describes this one: {why}; such a model can only be a GGUF file", cause);

    private static string Differences(ModelConfiguration read, ModelConfiguration model)
    {
        IEnumerable<(string Read, string Meant)> members = Members(read).Zip(Members(model)).Where(static pair => pair.First != pair.Second);
        return string.Join(" and ", members.Select(static m => $"{m.Read} instead of {m.Meant[(m.Meant.LastIndexOf(' ') + 1)..]}").DefaultIfEmpty("other factors of its rotary frequencies"));

        static string[] Members(ModelConfiguration model) => model.ToString().TrimEnd(' ', '}').Split(", ");
    }

    private static bool SameNumbers(ModelConfiguration a, ModelConfiguration b)
    {
        if (a with { RotaryScaling = null } != b with { RotaryScaling = null }) return false;
        if (a.RotaryScaling is not { } x || b.RotaryScaling is not { } y) return a.RotaryScaling is null && b.RotaryScaling is null;
        return x with { ShortFactors = [], LongFactors = [] } == y with { ShortFactors = [], LongFactors = [] }
            && x.ShortFactors.SequenceEqual(y.ShortFactors) && x.LongFactors.SequenceEqual(y.LongFactors);
    }

    // The parser's own check seeds its hashes from OpenSSL, whose library would take nine megabytes of the budget.
    private static void RequireDistinct(string path, JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in element.EnumerateArray()) RequireDistinct(path, item);
            return;
        }

        if (element.ValueKind != JsonValueKind.Object) return;
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (!names.Add(property.Name))
                throw new FileFormatException(path, $"{InvalidInputException.Quote(property.Name)} is given twice", "mend it or copy it again from the model's source");
            RequireDistinct(path, property.Value);
        }
    }
}
