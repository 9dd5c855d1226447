using Ration.Files;
using Ration.Files.Gguf;
using Ration.Files.Safetensors;
using Ration.Tokenizers;

namespace Ration.Cli.Inspection;

/// <summary>Looks into the files of a model. What Ration cannot run is described as far as it can be read.</summary>
internal static class ModelInspector
{
    private const string AdapterConfig = "adapter_config.json", AdapterWeights = "adapter_model.safetensors";
    private static readonly string[] s_tokenizerFiles = ["tokenizer.json", "tokenizer.model"];

    /// <summary>Describes a file or folder.</summary>
    /// <exception cref="InvalidInputException">It is no model, or damaged.</exception>
    public static InspectedModel Open(string path)
    {
        if (Directory.Exists(path)) return OpenFolder(path);
        if (!File.Exists(path)) throw new InvalidInputException($"{path}: there is no such file or folder; check the path");
        if (GgufFile.IsOne(path)) return OpenGguf(path);
        return path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) ? OpenSafetensors(path) : OpenOther(path);
    }

    private static InspectedModel OpenFolder(string folder)
    {
        if (File.Exists(Path.Combine(folder, HuggingFaceFolder.ConfigName))) return OpenHuggingFace(folder);
        if (File.Exists(Path.Combine(folder, AdapterConfig))) return OpenAdapter(folder);
        if (s_tokenizerFiles.Any(name => File.Exists(Path.Combine(folder, name))))
            return new InspectedModel { Path = folder, Kind = "folder with a tokenizer", Tokenizer = ModelTokenizer.Describe(folder) };
        throw new InvalidInputException($"{folder}: this folder has no {HuggingFaceFolder.ConfigName}, {AdapterConfig} or tokenizer; name the folder or file of a model");
    }

    private static InspectedModel OpenHuggingFace(string folder)
    {
        IReadOnlyList<(string Key, string Value)> metadata = JsonMetadata.Read(Path.Combine(folder, HuggingFaceFolder.ConfigName));
        using SafetensorsFolder weights = SafetensorsFolder.Open(folder);
        InspectedModel model = new() { Path = folder, Kind = "Hugging Face folder", Metadata = metadata, Tensors = List(weights), Architecture = JsonMetadata.Architecture(metadata) };
        return WithTokenizer(WithConfiguration(model), static path => ModelTokenizer.Describe(path));
    }

    private static InspectedModel OpenAdapter(string folder)
    {
        IReadOnlyList<(string Key, string Value)> metadata = JsonMetadata.Read(Path.Combine(folder, AdapterConfig));
        using SafetensorsReader weights = SafetensorsReader.Open(Path.Combine(folder, AdapterWeights));
        string kind = metadata.FirstOrDefault(static m => m.Key == "peft_type").Value ?? "unknown";
        return new InspectedModel { Path = folder, Kind = $"adapter folder ({kind})", Metadata = metadata, Tensors = [.. weights.Tensors.Select(Describe)] };
    }

    private static InspectedModel OpenSafetensors(string path)
    {
        using SafetensorsReader reader = SafetensorsReader.Open(path);
        return new InspectedModel
        {
            Path = path,
            Kind = "safetensors file",
            Metadata = [.. reader.Metadata.Where(static m => !IsChecksum(m.Key)).OrderBy(static m => m.Key, StringComparer.Ordinal).Select(static m => (m.Key, m.Value))],
            Tensors = [.. reader.Tensors.Select(Describe)],
        };
    }

    private static InspectedModel OpenGguf(string path)
    {
        InspectedModel model = ReadGguf(path, out bool hasTokenizer);
        // Each opens the file again: until then the first reading's memory is free.
        if (model.Tensors.Count > 0) model = WithConfiguration(model);
        return hasTokenizer ? WithTokenizer(model, ModelTokenizer.Describe) : model;
    }

    private static InspectedModel ReadGguf(string path, out bool hasTokenizer)
    {
        using GgufFile file = GgufFile.Open(path);
        int parts = file.Paths.Count();
        hasTokenizer = file.Metadata.Contains("tokenizer.ggml.model");
        return new InspectedModel
        {
            Path = path,
            Kind = $"GGUF version {file.Version}{(parts > 1 ? $" in {parts} files" : "")}",
            Metadata = [.. file.Metadata.Entries.Select(entry => (entry.Key, GgufValue.Describe(file.Metadata, entry)))],
            Tensors = [.. file.Tensors.Select(Describe), .. file.Unsupported.Select(static t => new InspectedTensor(t.Name, t.Type, t.Shape, t.Bytes))],
            Architecture = file.Metadata.TryGetString("general.architecture", out string? architecture) ? architecture : null,
        };
    }

    private static InspectedModel OpenOther(string path)
    {
        using StoredModel model = StoredModel.Open(path);
        string kind = model.Kind == ModelFileKind.LlamaTwoC ? "llama2.c checkpoint" : model.Kind.ToString();
        return new InspectedModel { Path = path, Kind = kind, Configuration = model.Configuration, Tensors = List(model.Tensors) };
    }

    private static InspectedModel WithConfiguration(InspectedModel model)
    {
        try
        {
            using StoredModel stored = StoredModel.Open(model.Path);
            return model with { Configuration = stored.Configuration, Tensors = Whole(model.Tensors, stored.Tensors) };
        }
        catch (InvalidInputException e)
        {
            return model with { Problem = e.Message };
        }
    }

    private static InspectedModel WithTokenizer(InspectedModel model, Func<string, TokenizerDescription> read)
    {
        try
        {
            return model with { Tokenizer = read(model.Path) };
        }
        catch (InvalidInputException e)
        {
            return model with { TokenizerProblem = e.Message };
        }
    }

    private static InspectedTensor[] List(ITensorSource source) => [.. source.Tensors.Select(Describe)];

    // Weights that a file holds in parts, such as codes and scales, as what they are together; each part's name goes on from the weight's.
    private static IReadOnlyList<InspectedTensor> Whole(IReadOnlyList<InspectedTensor> inFile, ITensorSource source)
    {
        if (source.Tensors.Count == inFile.Count || source is GgufFile) return inFile;
        Dictionary<string, long> bytes = source.Tensors.ToDictionary(static t => t.Name, static _ => 0L, StringComparer.Ordinal);
        foreach (InspectedTensor part in inFile)
        {
            string whole = part.Name;
            while (!bytes.ContainsKey(whole) && whole.LastIndexOf('.') is var dot and > 0) whole = whole[..dot];
            if (bytes.ContainsKey(whole)) bytes[whole] += part.Bytes;
        }

        return [.. source.Tensors.Select(t => Describe(t) with { Bytes = bytes[t.Name] })];
    }

    private static InspectedTensor Describe(StoredTensor tensor) => new(tensor.Name, tensor.DType.ToString(), tensor.Shape, tensor.Bytes);

    // Those of Ration's own files: one for each tensor.
    private static bool IsChecksum(string key) => key.StartsWith("crc32c:", StringComparison.Ordinal);
}
