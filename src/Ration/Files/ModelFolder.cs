using Ration.Execution;
using Ration.Files.HuggingFace;
using Ration.Files.Weights;
using Ration.Graphs;
using Ration.Models;

namespace Ration.Files;

/// <summary>A model on disk in the layout of Hugging Face: <c>config.json</c> beside <c>model.safetensors</c>.</summary>
public static class ModelFolder
{
    /// <summary>Reads the configuration of a model.</summary>
    /// <exception cref="InvalidInputException">There is no model that can be used.</exception>
    public static ModelConfiguration ReadConfiguration(string path)
    {
        // A folder says it without its weights, which may not be there yet.
        if (Directory.Exists(path)) return HuggingFaceFolder.ReadConfig(path).Model;
        using StoredModel model = StoredModel.Open(path);
        return model.Configuration;
    }

    /// <summary>Writes a model whose weights an executor holds, under the names and in the layout that its family publishes; each file is replaced
    /// atomically, weights first.</summary>
    /// <param name="folder">Created if missing.</param>
    /// <param name="model">The configuration.</param>
    /// <param name="weights">The weights, by canonical names.</param>
    /// <param name="executor">Holds them.</param>
    /// <param name="tokenizer">Name of a built-in tokenizer, or null.</param>
    public static void Save(string folder, ModelConfiguration model, IReadOnlyList<Value> weights, Executor executor, string? tokenizer)
    {
        Directory.CreateDirectory(folder);
        ModelConfiguration written = HuggingFaceFolder.Conventional(model);
        WeightSource source = ConventionChange.Of(new ExecutorWeights(weights, executor), model, written);
        WeightMap map = new(WeightNames.HuggingFace(model.Family), TransformerModel.ParameterShapes(model));
        new HuggingFaceWriter(folder, source, map, tensor => source.TypeOf(map.LinksInto(tensor)[0].Parameter))
            .Write(new HuggingFaceConfig { Model = written, Tokenizer = tokenizer }, long.MaxValue);
    }

    /// <summary>Reads the weights of a model into an executor, piece by piece.</summary>
    /// <exception cref="InvalidInputException">A weight is missing or has another shape, or the file is damaged.</exception>
    public static void Load(string path, IEnumerable<Value> weights, Executor executor)
    {
        using StoredModel model = StoredModel.Open(path);
        model.Load(weights, executor);
    }
}
