using System.Globalization;
using Ration.Execution;
using Ration.Files.Safetensors;
using Ration.Graphs;
using Ration.Models;

namespace Ration.Files;

/// <summary>A model on disk in the layout of Hugging Face: <c>config.json</c> beside <c>model.safetensors</c>.</summary>
public static class ModelFolder
{
    /// <summary>Reads the configuration of a model.</summary>
    /// <exception cref="InvalidInputException">The folder holds no model that can be used.</exception>
    public static ModelConfiguration ReadConfiguration(string folder)
    {
        if (!Directory.Exists(folder)) throw new InvalidInputException($"there is no model folder {InvalidInputException.Quote(folder)}; give a folder with config.json, or preset:NAME");
        HuggingFaceLlamaConfig config = HuggingFaceFolder.ReadConfig(folder);
        ModelConfiguration model = new()
        {
            Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))),
            Vocabulary = config.VocabularySize,
            Width = config.HiddenSize,
            HiddenWidth = config.IntermediateSize,
            Layers = config.Layers,
            Heads = config.Heads,
            KvHeads = config.KvHeads,
            HeadDimension = config.HeadDimension,
            Context = config.MaxPositions,
            RopeTheta = config.RopeTheta,
            NormEpsilon = (float)config.RmsNormEpsilon,
            TiedEmbeddings = config.TieWordEmbeddings,
        };
        model.Validate();
        return model;
    }

    /// <summary>Writes a model whose weights an executor holds; each file is replaced atomically, weights first.</summary>
    /// <param name="folder">Created if missing.</param>
    /// <param name="model">The configuration.</param>
    /// <param name="weights">The weights, by the names of Hugging Face files.</param>
    /// <param name="executor">Holds them.</param>
    /// <param name="tokenizer">Name of a built-in tokenizer, or null.</param>
    public static void Save(string folder, ModelConfiguration model, IReadOnlyList<Value> weights, Executor executor, string? tokenizer)
    {
        Directory.CreateDirectory(folder);
        SafetensorsWriter writer = new();
        writer.SetMetadata("format", "pt");
        PersistentTensors.Save(writer, Path.Combine(folder, HuggingFaceFolder.WeightsName), weights, executor);
        HuggingFaceFolder.WriteConfig(folder, new HuggingFaceLlamaConfig
        {
            HiddenSize = model.Width,
            IntermediateSize = model.HiddenWidth,
            Layers = model.Layers,
            Heads = model.Heads,
            KvHeads = model.KvHeads,
            HeadDimension = model.HeadDimension,
            VocabularySize = model.Vocabulary,
            MaxPositions = model.Context,
            RopeTheta = model.RopeTheta,
            RmsNormEpsilon = double.Parse(model.NormEpsilon.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
            TieWordEmbeddings = model.TiedEmbeddings,
            Tokenizer = tokenizer,
        });
    }

    /// <summary>Reads the weights of a model into an executor, piece by piece.</summary>
    /// <exception cref="InvalidInputException">A weight is missing or has another shape, or the file is damaged.</exception>
    public static void Load(string folder, IEnumerable<Value> weights, Executor executor)
    {
        using SafetensorsReader reader = SafetensorsReader.Open(Path.Combine(folder, HuggingFaceFolder.WeightsName));
        PersistentTensors.Load(reader, weights, executor);
    }
}
