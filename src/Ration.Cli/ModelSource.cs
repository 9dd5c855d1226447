using Ration.Cli.Commands;
using Ration.Files;
using Ration.Models;
using Ration.Planning;
using Ration.Tokenizers;

namespace Ration.Cli;

/// <summary>What <c>--model</c> names: a preset, or files with weights.</summary>
/// <param name="Configuration">The shape of the model.</param>
/// <param name="Path">The folder or file of its weights; null for a preset.</param>
internal sealed record ModelSource(ModelConfiguration Configuration, string? Path)
{
    /// <summary>How presets are named.</summary>
    public const string PresetPrefix = "preset:";

    private const string WeightsName = "model.safetensors";

    // Code for configurations and weights, mapped or compiled, and its buffers. Seen with folders of 3 and of 60 MB.
    private const long NativeReading = 1 << 20, CompiledReading = 2 << 20;

    /// <summary>Memory that reading the files takes, beside that of the weights.</summary>
    public long HostBytes => Path is null ? 0 : RuntimeFootprint.IsNative ? NativeReading : CompiledReading;

    /// <summary>Finds a model.</summary>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public static ModelSource Open(string model)
    {
        if (model.StartsWith(PresetPrefix, StringComparison.OrdinalIgnoreCase)) return new ModelSource(Presets.Get(model[PresetPrefix.Length..]), null);
        if (!System.IO.Path.Exists(model) && Presets.All.Any(p => string.Equals(p.Name, model, StringComparison.OrdinalIgnoreCase)))
            throw new InvalidInputException($"--model {model}: there is no such folder or file; for the preset write preset:{model}");
        model = WholeOf(model);
        RunFolder.RequireModel(model);
        ModelSource source = new(ModelFolder.ReadConfiguration(model, out IReadOnlyList<string> unknown), model);
        CommonOptions.NoteUnknown(unknown);
        return source;
    }

    /// <summary>The folder of a model, where its weights are named instead; any other path as it is.</summary>
    /// <exception cref="InvalidInputException">It is a file of weights that is no model by itself.</exception>
    public static string WholeOf(string path)
    {
        if (!path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) || !File.Exists(path)) return path;
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        if (!File.Exists(System.IO.Path.Combine(folder, HuggingFaceFolder.ConfigName)))
            throw new InvalidInputException($"--model {path}: weights alone are no model, and there is no {HuggingFaceFolder.ConfigName} beside them; give the folder of a model");
        return System.IO.Path.GetFileName(path) == WeightsName ? folder
            : throw new InvalidInputException($"--model {path}: this is one file of a model; give its folder, {folder}");
    }

    /// <summary>A preset takes the size of its tokenizer's vocabulary; a folder has weights for its own.</summary>
    public ModelSource Reading(ITokenizer tokenizer) => Reading(tokenizer.VocabularySize);

    /// <summary>A preset with a vocabulary of this size.</summary>
    public ModelSource Reading(int vocabulary) => Path is null ? this with { Configuration = Configuration with { Vocabulary = vocabulary } } : this;

    /// <summary>The tokenizer of the files, or bytes for a preset.</summary>
    /// <exception cref="InvalidInputException">They have none that is known.</exception>
    public ITokenizer OpenTokenizer() => Path is null ? new ByteTokenizer(Configuration.Vocabulary) : ModelTokenizer.Read(Path);

    /// <summary>Whether the tokenizer has to be written for what is trained from the model: that of a GGUF file; files of a folder go along with the weights.</summary>
    public bool HasTokenizerInFile => File.Exists(Path) && !System.IO.Path.GetExtension(Path).Equals(".bin", StringComparison.OrdinalIgnoreCase);

    /// <summary>Writes the tokenizer of a GGUF file into a folder.</summary>
    public void SaveTokenizer(string folder)
    {
        if (!HasTokenizerInFile) return;
        using StoredModel stored = StoredModel.Open(Path!);
        ModelExport.SaveTokenizer(stored, folder);
    }
}
