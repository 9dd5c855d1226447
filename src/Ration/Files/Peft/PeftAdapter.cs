using Ration.Files.Safetensors;
using Ration.Tensors;

namespace Ration.Files.Peft;

/// <summary>
/// A low-rank adapter on disk, as Hugging Face's PEFT writes it: <c>adapter_config.json</c> beside <c>adapter_model.safetensors</c>, whose
/// tensors are named <c>base_model.model.MODULE.lora_A.weight</c> and so on. Opening checks that each module has both factors, of shapes
/// that go together and of the rank that the configuration says.
/// </summary>
public sealed class PeftAdapter : IDisposable
{
    /// <summary>The name of the file of weights.</summary>
    public const string WeightsName = "adapter_model.safetensors";

    private const string Prefix = "base_model.model.";
    // Each may be where a pattern begins. Real names have about ten.
    private const int MostParts = 32;
    private const string Mend = "the adapter is incomplete or was made by something else; export it again";
    private readonly SafetensorsReader _reader;
    private readonly List<PeftModule> _modules = [];
    private readonly List<(string Name, StoredTensor Tensor)> _saved = [];

    private PeftAdapter(string path, PeftConfig config, SafetensorsReader reader)
    {
        Path = path;
        Config = config;
        _reader = reader;
    }

    private enum Part
    {
        A,
        B,
        EmbeddingA,
        EmbeddingB,
        Magnitude,
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>What the adapter is.</summary>
    public PeftConfig Config { get; }

    /// <summary>The adapted matrices, by name.</summary>
    public IReadOnlyList<PeftModule> Modules => _modules;

    /// <summary>Whole weights that take the place of the base model's, by the base model's names, such as <c>lm_head.weight</c>.</summary>
    public IReadOnlyList<(string Name, StoredTensor Tensor)> Saved => _saved;

    /// <summary>The bytes of all of them.</summary>
    public ITensorSource Tensors => _reader;

    /// <summary>Opens an adapter.</summary>
    /// <exception cref="FileFormatException">It is damaged or of a kind that is not supported.</exception>
    /// <exception cref="InvalidInputException">A file is missing, empty or may not be read.</exception>
    public static PeftAdapter Open(string folder)
    {
        if (!Directory.Exists(folder)) throw new InvalidInputException($"there is no adapter folder {InvalidInputException.Quote(folder)}; give a folder with {PeftConfigFile.Name}");
        PeftConfig config = PeftConfigFile.Read(folder);
        SafetensorsReader reader = SafetensorsReader.Open(System.IO.Path.Combine(folder, WeightsName));
        try
        {
            var adapter = new PeftAdapter(folder, config, reader);
            adapter.ReadModules();
            return adapter;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>Compares the checksums of its tensors, where the file has them.</summary>
    /// <exception cref="FileFormatException">One differs.</exception>
    public void Verify(CancellationToken cancellation = default) => _ = _reader.Verify(cancellation);

    /// <summary>Writes an adapter, weights first, each file atomically.</summary>
    /// <param name="folder">Created if missing.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="tensors">Names without the prefix (<see cref="NameOfA"/>, <see cref="NameOfB"/>, or a saved weight's), types and shapes.</param>
    /// <param name="write">Gives the bytes, by the names that the output lists.</param>
    public static void Save(string folder, PeftConfig config, IEnumerable<(string Name, DType DType, Shape Shape)> tensors, Action<TensorOutput> write)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(tensors);
        Directory.CreateDirectory(folder);
        SafetensorsWriter writer = new();
        writer.SetMetadata("format", "pt");
        foreach ((string name, DType type, Shape shape) in tensors) writer.Declare(Prefix + name, type, shape);
        writer.Save(System.IO.Path.Combine(folder, WeightsName), write);
        PeftConfigFile.Write(folder, config);
    }

    /// <summary>The name of a module's A.</summary>
    public static string NameOfA(string module) => module + ".lora_A.weight";

    /// <summary>The name of a module's B.</summary>
    public static string NameOfB(string module) => module + ".lora_B.weight";

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    private static (string Module, Part Part)? Split(string name)
    {
        foreach ((string ending, Part part) in (ReadOnlySpan<(string, Part)>)
            [(".lora_A.weight", Part.A), (".lora_B.weight", Part.B), (".lora_embedding_A", Part.EmbeddingA), (".lora_embedding_B", Part.EmbeddingB),
                (".lora_magnitude_vector", Part.Magnitude), (".lora_magnitude_vector.weight", Part.Magnitude)])
        {
            if (name.EndsWith(ending, StringComparison.Ordinal) && name.Length > ending.Length) return (name[..^ending.Length], part);
        }

        return null;
    }

    private void ReadModules()
    {
        var parts = new SortedDictionary<string, Dictionary<Part, StoredTensor>>(StringComparer.Ordinal);
        foreach (StoredTensor tensor in _reader.Tensors)
        {
            if (!tensor.Name.StartsWith(Prefix, StringComparison.Ordinal)) throw Fault($"tensor {InvalidInputException.Quote(tensor.Name)} does not begin with {Prefix}");
            string name = tensor.Name[Prefix.Length..];
            if (!tensor.DType.IsFloating()) throw Fault($"tensor {InvalidInputException.Quote(tensor.Name)} holds {tensor.DType}, no real numbers");
            if (Split(name) is not { } found)
            {
                if (name.Contains("lora_", StringComparison.Ordinal)) throw Fault($"tensor {InvalidInputException.Quote(tensor.Name)} is of a kind that is not known");
                _saved.Add((name, tensor));
                continue;
            }

            if (found.Module.AsSpan().Count('.') >= MostParts) throw Fault($"the name of module {InvalidInputException.Quote(found.Module)} has more than {MostParts} parts");
            if (!parts.TryGetValue(found.Module, out Dictionary<Part, StoredTensor>? own)) parts.Add(found.Module, own = []);
            if (!own.TryAdd(found.Part, tensor)) throw Fault($"module {InvalidInputException.Quote(found.Module)} has its {found.Part} twice");
        }

        var ranks = new PeftPatterns<int>(System.IO.Path.Combine(Path, PeftConfigFile.Name), Config.RankPattern);
        var alphas = new PeftPatterns<double>(System.IO.Path.Combine(Path, PeftConfigFile.Name), Config.AlphaPattern);
        foreach ((string module, Dictionary<Part, StoredTensor> own) in parts)
            _modules.Add(ReadModule(module, own, ranks.Find(module, Config.Rank), alphas.Find(module, Config.Alpha)));
        if (_modules.Count == 0) throw Fault("it adapts no module");
    }

    private PeftModule ReadModule(string module, Dictionary<Part, StoredTensor> own, int rank, double alpha)
    {
        string label = InvalidInputException.Quote(module);
        bool embedding = own.ContainsKey(Part.EmbeddingA) || own.ContainsKey(Part.EmbeddingB);
        if (!own.TryGetValue(embedding ? Part.EmbeddingA : Part.A, out StoredTensor? a) || !own.TryGetValue(embedding ? Part.EmbeddingB : Part.B, out StoredTensor? b)
            || (embedding && (own.ContainsKey(Part.A) || own.ContainsKey(Part.B))))
            throw Fault($"module {label} does not have one A and one B");
        if (a.Shape.Rank != 2 || b.Shape.Rank != 2 || a.Shape[0] != b.Shape[1])
            throw Fault($"the factors of module {label} are {a.Shape} and {b.Shape}, which do not go together");
        if (a.Shape[0] != rank) throw Fault($"module {label} has rank {a.Shape[0]}, where {PeftConfigFile.Name} says {rank}");
        own.TryGetValue(Part.Magnitude, out StoredTensor? magnitude);
        if (Config.WeightDecomposed != (magnitude is not null))
            throw Fault($"module {label} {(magnitude is null ? "lacks the" : "has a")} magnitude, where use_dora is {(Config.WeightDecomposed ? "true" : "false")}");
        if (magnitude is not null && magnitude.Shape.Elements != b.Shape[0]) throw Fault($"the magnitude of module {label} is {magnitude.Shape}, where it has {b.Shape[0]} outputs");
        return new PeftModule(module, a, b, magnitude, rank, Config.Scale(alpha, rank), embedding);
    }

    private FileFormatException Fault(string what) => new(_reader.Path, what, Mend);
}
