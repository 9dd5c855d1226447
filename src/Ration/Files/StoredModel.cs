using Ration.Execution;
using Ration.Files.HuggingFace;
using Ration.Files.Safetensors;
using Ration.Files.Weights;
using Ration.Graphs;
using Ration.Memory;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Files;

/// <summary>Which layout the files of a model have.</summary>
public enum ModelFileKind
{
    /// <summary>A folder with <c>config.json</c> and safetensors files.</summary>
    HuggingFace,

    /// <summary>A GGUF file, or the first of several.</summary>
    Gguf,

    /// <summary>A checkpoint in llama2.c's first format.</summary>
    LlamaTwoC,
}

/// <summary>A model in files, whatever their layout: its configuration, and its weights by the canonical names that graphs declare.</summary>
public sealed class StoredModel : IDisposable
{
    private readonly StoredWeights _weights;

    private StoredModel(ModelFileKind kind, string path, ModelConfiguration configuration, ITensorSource source, StoredWeights weights)
    {
        (Kind, Path, Configuration, Tensors, _weights) = (kind, path, configuration, source, weights);
        ElementType = weights.Tensors.GroupBy(static t => t.DType, static t => t.Bytes).OrderByDescending(static g => g.Sum()).First().Key;
    }

    /// <summary>The layout of the files.</summary>
    public ModelFileKind Kind { get; }

    /// <summary>The folder or file.</summary>
    public string Path { get; }

    /// <summary>The model, under the conventions of its files.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>The tensors as they are stored.</summary>
    public ITensorSource Tensors { get; }

    /// <summary>The element type that takes the most bytes.</summary>
    public DType ElementType { get; }

    /// <summary>The tokens that end a text, as far as the files say.</summary>
    public IReadOnlyList<int> EndIds { get; private init; } = [];

    /// <summary>The parameters by canonical name.</summary>
    internal WeightSource Weights => _weights;

    /// <summary>Opens a model and checks that each of its weights is there in the right shape; reads no weight.</summary>
    /// <exception cref="InvalidInputException">There is no model, it is damaged, or it cannot be used.</exception>
    public static StoredModel Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) return OpenFolder(path);
        throw new InvalidInputException($"there is no model folder {InvalidInputException.Quote(path)}; give a folder with config.json, or preset:NAME");
    }

    /// <summary>How a parameter is stored.</summary>
    /// <param name="parameter">Its canonical name.</param>
    public DType TypeOf(string parameter) => _weights.TypeOf(parameter);

    /// <summary>Fills values with the parameters of their names, in pieces; stored forms are changed into the values' where they differ.</summary>
    /// <exception cref="InvalidInputException">A value is no parameter of this model or has another shape, or the files are damaged.</exception>
    public void Load(IEnumerable<Value> weights, Executor executor)
    {
        Value[] wanted = [.. weights];
        Dictionary<string, Shape> shapes = TransformerModel.ParameterShapes(Configuration).ToDictionary(static p => p.Name, static p => p.Shape, StringComparer.Ordinal);
        foreach (Value value in wanted)
        {
            if (!shapes.TryGetValue(value.Name, out Shape shape) || shape != value.Shape)
                throw new FileFormatException(Path, $"it has no weight {value.Name} {value.Shape}", "use the file with the model it was made for");
        }

        if (Tensors is SafetensorsSource file) file.Verify();
        foreach (Value value in wanted) WeightLoader.Load(_weights, value, executor);
    }

    /// <inheritdoc/>
    public void Dispose() => Tensors.Dispose();

    private static StoredModel OpenFolder(string folder)
    {
        HuggingFaceConfig config = HuggingFaceFolder.ReadConfig(folder);
        ITensorSource source = HuggingFaceFolder.OpenWeights(folder);
        return Open(ModelFileKind.HuggingFace, folder, config.Model, source, config.EndIds, static (model, source) =>
            (WeightNames.HuggingFace(model.Family), HuggingFacePrefix.Find(source, model.Family)));
    }

    private static StoredModel Open(ModelFileKind kind, string path, ModelConfiguration model, ITensorSource source, IReadOnlyList<int> ends,
        Func<ModelConfiguration, ITensorSource, (WeightNames Names, Func<string, string> Locate)> names)
    {
        try
        {
            // A few words could claim millions of weights; each layer has some tensors in any case.
            if (model.Layers > source.Tensors.Count || (long)model.Layers * model.Experts > source.Tensors.Sum(static t => t.Shape.Rank == 3 ? t.Shape[0] : 1))
                throw new FileFormatException(path, $"{source.Tensors.Count} tensors are too few for {model.Layers} layers{(model.Experts > 0 ? $" of {model.Experts} experts" : "")}", "the files are incomplete or belong to another model");
            (WeightNames scheme, Func<string, string> locate) = names(model, source);
            StoredWeights weights = new(source, new WeightMap(scheme, TransformerModel.ParameterShapes(model)), locate);
            return new StoredModel(kind, path, model, source, weights) { EndIds = ends };
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }
}
