using Ration.Files;
using Ration.Models;
using Ration.Tokenizers;

namespace Ration.Cli;

/// <summary>What <c>--model</c> names: a preset, or a folder with weights.</summary>
/// <param name="Configuration">The shape of the model.</param>
/// <param name="Folder">Where its weights are; null for a preset.</param>
internal sealed record ModelSource(ModelConfiguration Configuration, string? Folder)
{
    /// <summary>How presets are named.</summary>
    public const string PresetPrefix = "preset:";

    /// <summary>Finds a model.</summary>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public static ModelSource Open(string model)
    {
        if (model.StartsWith(PresetPrefix, StringComparison.OrdinalIgnoreCase)) return new ModelSource(Presets.Get(model[PresetPrefix.Length..]), null);
        if (!Directory.Exists(model) && Presets.All.Any(p => string.Equals(p.Name, model, StringComparison.OrdinalIgnoreCase)))
            throw new InvalidInputException($"--model {model}: there is no such folder; for the preset write preset:{model}");
        return new ModelSource(ModelFolder.ReadConfiguration(model), model);
    }

    /// <summary>A preset takes the size of its tokenizer's vocabulary; a folder has weights for its own.</summary>
    public ModelSource Reading(ITokenizer tokenizer) => Reading(tokenizer.VocabularySize);

    /// <summary>A preset with a vocabulary of this size.</summary>
    public ModelSource Reading(int vocabulary) => Folder is null ? this with { Configuration = Configuration with { Vocabulary = vocabulary } } : this;

    /// <summary>The tokenizer of the folder, or bytes for a preset.</summary>
    /// <exception cref="InvalidInputException">The folder has none that is known.</exception>
    public ITokenizer OpenTokenizer() => Folder is null ? new ByteTokenizer(Configuration.Vocabulary) : ModelTokenizer.Read(Folder);
}
