using Ration.Execution;
using Ration.Files.BitsAndBytes;
using Ration.Files.Gguf;
using Ration.Files.GgufModels;
using Ration.Files.HuggingFace;
using Ration.Files.Peft;
using Ration.Files.Safetensors;
using Ration.Files.Weights;
using Ration.Graphs;
using Ration.Graphs.Ops;
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
    // Constants that follow from the configuration.
    private static readonly string[] s_withoutUse = [".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias"];
    // Of GGUF files: what GgufRotary reads, and a head that repeats the embedding for readers that want one.
    private static readonly string[] s_besideWeights = [GgufRotary.Divisors, GgufRotary.ShortDivisors, GgufRotary.LongDivisors, "output.weight"];
    private readonly PeftAdapter? _adapter;
    private int _users = 1, _isDisposed;

    private StoredModel(ModelFileKind kind, string path, ModelConfiguration configuration, ITensorSource source, StoredWeights weights)
    {
        (Kind, Path, Configuration, Tensors, Weights) = (kind, path, configuration, source, weights);
        ElementType = weights.Tensors.GroupBy(static t => t.DType, static t => t.Shape.Elements).OrderByDescending(static g => g.Sum()).First().Key;
    }

    private StoredModel(PeftAdapter adapter, StoredModel baseModel)
    {
        AdaptedModel merged = AdaptedModel.Of(adapter, baseModel.Configuration, baseModel.Weights);
        (_adapter, Base, Path, Configuration, Weights) = (adapter, baseModel, adapter.Path, merged.Configuration, merged.Weights);
        (Kind, Tensors, ElementType, EndIds, BeginningId) = (baseModel.Kind, baseModel.Tensors, baseModel.ElementType, baseModel.EndIds, baseModel.BeginningId);
        (BuiltInTokenizer, UnknownKeys, HostBytes) = (baseModel.BuiltInTokenizer, [.. adapter.Config.UnknownKeys, .. baseModel.UnknownKeys], merged.Weights.HostBytes);
    }

    /// <summary>The layout of the files.</summary>
    public ModelFileKind Kind { get; }

    /// <summary>The folder or file.</summary>
    public string Path { get; }

    /// <summary>The model, under the conventions of its files.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>The model that an adapter in <see cref="Path"/> is merged into while weights are read; null for a whole model.</summary>
    public StoredModel? Base { get; }

    /// <summary>The tensors as they are stored; with an adapter, those of its base.</summary>
    public ITensorSource Tensors { get; }

    /// <summary>The element type that most weights have.</summary>
    public DType ElementType { get; }

    /// <summary>The tokens that end a text, as far as the files say.</summary>
    public IReadOnlyList<int> EndIds { get; private init; } = [];

    /// <summary>The token before a text, or null where the files name none.</summary>
    public int? BeginningId { get; private init; }

    /// <summary>The tokenizer built into Ration that the model was trained with, or null.</summary>
    public string? BuiltInTokenizer { get; private init; }

    /// <summary>Keys of the configuration that are not known, by their names. Nothing that is known to change the arithmetic is passed over so.</summary>
    public IReadOnlyList<string> UnknownKeys { get; private init; } = [];

    /// <summary>The metadata of a GGUF file; null for other files and for an adapter.</summary>
    public GgufMetadata? Metadata => Base is null ? (Tensors as GgufFile)?.Metadata : null;

    /// <summary>Bytes that reading the weights holds besides what it holds of any model: a factor of the adapter.</summary>
    public long HostBytes { get; }

    /// <summary>The one of this and its base whose files say what text is: an adapter often comes without a tokenizer.</summary>
    internal StoredModel Text => Base is not null && HuggingFaceFolder.TokenizerOf(Path) is null ? Base.Text : this;

    private IEnumerable<string> Files =>
        (Tensors is BitsAndBytesSource quantized ? quantized.Inner : Tensors) switch { GgufFile file => file.Paths, SafetensorsFolder folder => folder.Paths, _ => [] };

    /// <summary>The parameters by canonical name.</summary>
    internal WeightSource Weights { get; }

    /// <summary>Opens a model and checks that each of its weights is there in the right shape; reads no weight.</summary>
    /// <param name="path">A folder or file, or the folder of a low-rank adapter, which is merged into its base while weights are read.</param>
    /// <param name="baseModel">The folder or file of an adapter's base; null to take the one that the adapter names.</param>
    /// <exception cref="InvalidInputException">There is no model, it is damaged, or it cannot be used.</exception>
    public static StoredModel Open(string path, string? baseModel = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path) && BaseModel.IsAdapter(path)) return OpenAdapter(path, baseModel);
        BaseModel.RequireNone(path, baseModel);
        if (Directory.Exists(path)) return OpenFolder(path);
        if (!File.Exists(path)) throw new InvalidInputException($"there is no model {InvalidInputException.Quote(path)}; give a folder with config.json, a GGUF file, or preset:NAME");
        // llama2.c's files have no mark of their own.
        return System.IO.Path.GetExtension(path).Equals(".bin", StringComparison.OrdinalIgnoreCase) ? OpenLlamaTwoC(path) : OpenGguf(path);
    }

    /// <summary>Whether a path is the model's or that of one of its files, so that writing there would destroy it.</summary>
    internal bool Owns(string path) => Base?.Owns(path) == true || InputFile.IsSame(path, Path)
        // Files of a folder may be links into another, whose files would be replaced.
        || Files.Any(file => InputFile.IsSame(path, file) || (Kind == ModelFileKind.HuggingFace && InputFile.IsSame(path, InputFile.FolderOf(file))));

    /// <summary>How a parameter is stored.</summary>
    /// <param name="parameter">Its canonical name.</param>
    public DType TypeOf(string parameter) => Weights.TypeOf(parameter);

    /// <summary>How kernels can hold a parameter without loss: matrices as they are stored, vectors, which are small, as F32.</summary>
    /// <param name="parameter">Its canonical name.</param>
    /// <param name="shape">Its shape.</param>
    public DType HeldType(string parameter, Shape shape)
    {
        DType type = TypeOf(parameter);
        return shape.Rank >= 2 && !type.IsPlanar() && type.CanStore(shape) ? type : DType.F32;
    }

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

        Verify();
        WeightLoader.Load(Weights, wanted, executor.WritePersistent, executor.Threads);
    }

    /// <summary>Compares the weights with their checksums, in files that have such.</summary>
    /// <exception cref="FileFormatException">A tensor differs from its checksum, or some of a file have none.</exception>
    internal void Verify(CancellationToken cancellation = default)
    {
        _ = Tensors.Verify(cancellation);
        _adapter?.Verify(cancellation);
    }

    /// <summary>Reads weights for programs that do not keep them, as long as the files are open.</summary>
    /// <param name="threads">Cores to use.</param>
    internal IWeightReader Reader(int threads) => new StoredWeightReader(Weights, threads);

    /// <summary>Keeps the files open beyond this object, until the result is disposed too.</summary>
    internal IDisposable KeepOpen() => new Use(this);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0) Release();
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        _adapter?.Dispose();
        if (Base is not null) Base.Dispose();
        else Tensors.Dispose();
    }

    private static StoredModel OpenAdapter(string folder, string? baseModel)
    {
        string path = BaseModel.Find(folder, baseModel);
        PeftAdapter adapter = PeftAdapter.Open(folder);
        StoredModel? from = null;
        try
        {
            from = Open(path);
            return new StoredModel(adapter, from);
        }
        catch
        {
            adapter.Dispose();
            from?.Dispose();
            throw;
        }
    }

    private static StoredModel OpenFolder(string folder)
    {
        HuggingFaceConfig config = HuggingFaceFolder.ReadConfig(folder);
        ITensorSource source = HuggingFaceFolder.OpenWeights(folder);
        try
        {
            source = BitsAndBytesSource.Of(source);
        }
        catch
        {
            source.Dispose();
            throw;
        }

        return Open(ModelFileKind.HuggingFace, folder, config, source, static (model, source) =>
            (WeightNames.HuggingFace(model.Family), HuggingFacePrefix.Find(source, model.Family)));
    }

    // What a layer has besides would change what the model computes: a bias, a further norm, a layer more. So would all else in a GGUF file; beside a
    // folder's layers may lie parts of models that also see.
    private static void RequireKnown(ITensorSource source, WeightMap map, Func<string, string> locate)
    {
        GgufFile? gguf = source as GgufFile;
        string[] layers = [locate("model.layers."), locate("transformer.h.")];
        HashSet<string> known = new(map.Tensors.Select(t => locate(t.Name)), StringComparer.Ordinal);
        if (gguf is not null) known.UnionWith(s_besideWeights);
        foreach (string name in source.Tensors.Select(static t => t.Name).Concat(gguf?.Unsupported.Select(static t => t.Name) ?? []))
        {
            if (known.Contains(name) || s_withoutUse.Any(e => name.EndsWith(e, StringComparison.Ordinal))) continue;
            if (gguf is null && !layers.Any(p => name.StartsWith(p, StringComparison.Ordinal))) continue;
            throw new FileFormatException(source.Path, $"it has a tensor {InvalidInputException.Quote(name)}, which a model of this configuration does not have",
                "check that the configuration belongs to these weights");
        }
    }

    private static StoredModel OpenGguf(string path)
    {
        GgufFile file = GgufFile.Open(path);
        try
        {
            if (file.Tensors.Count == 0 && file.Unsupported.Count == 0)
                throw new FileFormatException(path, "it holds a vocabulary but no weights", "name a model; tokenize and inspect take the file as it is");
            (ModelConfiguration model, IReadOnlyList<string> unknown) = GgufConfigReader.Read(file.Metadata, file);
            HuggingFaceConfig config = new()
            {
                Model = model,
                UnknownKeys = unknown,
                BeginningId = file.Metadata.TryGetInt32("tokenizer.ggml.bos_token_id", -1, int.MaxValue, out int beginning) && beginning >= 0 ? beginning : null,
                EndIds = file.Metadata.TryGetInt32("tokenizer.ggml.eos_token_id", -1, int.MaxValue, out int end) && end >= 0 ? [end] : [],
            };
            return Open(ModelFileKind.Gguf, path, config, file, static (model, source) =>
                (WeightNames.Gguf(model, expertsApart: model.Experts > 0 && source.Find("blk.0.ffn_gate_exps.weight") is null), static name => name));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static StoredModel OpenLlamaTwoC(string path)
    {
        LlamaTwoCFile file = LlamaTwoCFile.Open(path);
        ModelConfiguration model = new()
        {
            Name = System.IO.Path.GetFileNameWithoutExtension(path),
            Vocabulary = file.Header.Vocabulary,
            Width = file.Header.Width,
            HiddenWidth = file.Header.HiddenWidth,
            Layers = file.Header.Layers,
            Heads = file.Header.Heads,
            KvHeads = file.Header.KvHeads,
            HeadDimension = file.Header.HeadDimension,
            Context = file.Header.Context,
            TiedEmbeddings = file.Header.TiedHead,
            RotaryPairing = RotaryPairing.Neighbours,
        };
        return Open(ModelFileKind.LlamaTwoC, path, new HuggingFaceConfig { Model = model }, file, static (model, _) => (WeightNames.HuggingFace(model.Family), static name => name));
    }

    private static StoredModel Open(ModelFileKind kind, string path, HuggingFaceConfig config, ITensorSource source,
        Func<ModelConfiguration, ITensorSource, (WeightNames Names, Func<string, string> Locate)> names)
    {
        ModelConfiguration model = config.Model;
        try
        {
            model.Validate();
            (WeightNames scheme, Func<string, string> locate) = names(model, source);
            // A few words could claim millions of weights; each layer has some tensors in any case, and each expert where they lie apart.
            if (model.Layers > source.Tensors.Count || (scheme.HasExpertsApart && (long)model.Layers * model.Experts > source.Tensors.Count))
                throw new FileFormatException(path,
                    $"{source.Tensors.Count} tensors are too few for {model.Layers} layers{(model.Experts > 0 ? $" of {model.Experts} experts" : "")}",
                    "the files are incomplete or belong to another model");
            WeightMap map = new(scheme, TransformerModel.ParameterShapes(model));
            StoredWeights weights = new(source, map, locate);
            RequireKnown(source, map, locate);
            return new StoredModel(kind, path, model, source, weights)
            {
                BeginningId = config.BeginningId,
                EndIds = config.EndIds,
                BuiltInTokenizer = config.Tokenizer,
                UnknownKeys = config.UnknownKeys,
            };
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private sealed class Use : IDisposable
    {
        private StoredModel? _model;

        public Use(StoredModel model)
        {
            Interlocked.Increment(ref model._users);
            _model = model;
        }

        public void Dispose() => Interlocked.Exchange(ref _model, null)?.Release();
    }
}
