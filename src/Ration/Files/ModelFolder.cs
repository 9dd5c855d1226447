using Ration.Execution;
using Ration.Files.HuggingFace;
using Ration.Files.Peft;
using Ration.Files.Weights;
using Ration.Graphs;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Files;

/// <summary>A model on disk in the layout of Hugging Face: <c>config.json</c> beside <c>model.safetensors</c>.</summary>
public static class ModelFolder
{
    /// <summary>Reads the configuration of a model.</summary>
    /// <exception cref="InvalidInputException">There is no model that can be used.</exception>
    public static ModelConfiguration ReadConfiguration(string path) => ReadConfiguration(path, out _);

    /// <summary>Reads the configuration of a model, and which of its keys are not known (<see cref="StoredModel.UnknownKeys"/>).</summary>
    /// <exception cref="InvalidInputException">There is no model that can be used.</exception>
    public static ModelConfiguration ReadConfiguration(string path, out IReadOnlyList<string> unknownKeys)
    {
        if (BaseModel.IsAdapter(path))
            throw new InvalidInputException($"{InvalidInputException.Quote(path)} is a low-rank adapter and no whole model; merge it into its base model first (ration convert) and give the result");
        // A folder says it without its weights, which may not be there yet.
        if (Directory.Exists(path))
        {
            HuggingFaceConfig config = HuggingFaceFolder.ReadConfig(path);
            unknownKeys = config.UnknownKeys;
            return config.Model;
        }

        using StoredModel model = StoredModel.Open(path);
        unknownKeys = model.UnknownKeys;
        return model.Configuration;
    }

    /// <summary>Writes a model whose weights an executor holds, under the names and in the layout that its family publishes; each file is replaced
    /// atomically, weights first.</summary>
    /// <param name="folder">Created if missing.</param>
    /// <param name="model">The configuration.</param>
    /// <param name="weights">The weights, by canonical names.</param>
    /// <param name="executor">Holds them.</param>
    /// <param name="tokenizer">Name of a built-in tokenizer, which takes the place of one in the folder, or null.</param>
    /// <param name="origin">The model that these weights were trained from, whose tokenizer and ends of texts go along; null for none.</param>
    /// <param name="tokenizerFolder">A folder whose tokenizer goes along instead of the origin's; null for none.</param>
    /// <exception cref="InvalidInputException">No configuration file can describe the model (<see cref="RequireSavable"/>).</exception>
    public static void Save(
        string folder, ModelConfiguration model, IReadOnlyList<Value> weights, Executor executor, string? tokenizer, string? origin = null, string? tokenizerFolder = null)
    {
        Directory.CreateDirectory(folder);
        ModelConfiguration written = HuggingFaceFolder.Conventional(model);
        WeightSource source = ConventionChange.Of(new ExecutorWeights(weights, executor), model, written);
        WeightMap map = new(WeightNames.HuggingFace(model.Family), TransformerModel.ParameterShapes(model));
        new HuggingFaceWriter(folder, source, map, tensor => TypeInFile(source.TypeOf(map.LinksInto(tensor)[0].Parameter)))
            .Write(Describe(written, tokenizer, origin), long.MaxValue);
        string? from = tokenizerFolder ?? (Directory.Exists(origin) ? origin : null);
        if (from is null ? tokenizer is null : InputFile.IsSame(from, folder)) return;
        HuggingFaceFolder.DeleteCompanions(folder, from is null ? [] : HuggingFaceFolder.CopyCompanions(from, folder));
    }

    /// <summary>Refuses a model that no configuration file of its family can describe, as GGUF files can hold some; what is trained from it could not be saved.</summary>
    /// <exception cref="InvalidInputException">It is one.</exception>
    public static void RequireSavable(ModelConfiguration model) => HuggingFaceFolder.ComposeConfig("", new HuggingFaceConfig { Model = model });

    /// <summary>Reads the weights of a model into an executor, piece by piece.</summary>
    /// <exception cref="InvalidInputException">A weight is missing or has another shape, or the file is damaged.</exception>
    public static void Load(string path, IEnumerable<Value> weights, Executor executor)
    {
        using StoredModel model = StoredModel.Open(path);
        model.Load(weights, executor);
    }

    // The layout has no names for types with blocks.
    private static DType TypeInFile(DType held) => held.IsQuantized() ? DType.F32 : held;

    private static HuggingFaceConfig Describe(ModelConfiguration model, string? tokenizer, string? origin)
    {
        HuggingFaceConfig config = new() { Model = model, Tokenizer = tokenizer };
        if (origin is null || !Path.Exists(origin)) return config;
        try
        {
            using StoredModel from = StoredModel.Open(origin);
            return config with { BeginningId = from.BeginningId, EndIds = from.EndIds };
        }
        catch (InvalidInputException)
        {
            // What became of the first model in the meantime must not cost the trained one.
            return config;
        }
    }
}
