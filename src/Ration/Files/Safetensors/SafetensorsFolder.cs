namespace Ration.Files.Safetensors;

/// <summary>The weights of a Hugging Face folder: one safetensors file, or several with an index. Reads may run on several threads at
/// once.</summary>
public sealed class SafetensorsFolder : ITensorSource
{
    /// <summary>The name of a single file of weights.</summary>
    public const string SingleName = "model.safetensors";

    /// <summary>The name of the index of several.</summary>
    public const string IndexName = SingleName + ".index.json";

    private readonly List<SafetensorsReader> _shards = [];
    private readonly List<StoredTensor> _tensors = [];
    private readonly Dictionary<string, StoredTensor> _byName = new(StringComparer.Ordinal);

    private SafetensorsFolder(string path) => Path = path;

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>The files of weights.</summary>
    public IEnumerable<string> Paths => _shards.Select(static s => s.Path);

    /// <inheritdoc/>
    public IReadOnlyList<StoredTensor> Tensors => _tensors;

    /// <summary>Opens the single file of a folder or, where there is none, all that its index names.</summary>
    /// <exception cref="FileFormatException">A file is damaged, or the index does not agree with it.</exception>
    /// <exception cref="InvalidInputException">A file is missing, empty or may not be read.</exception>
    public static SafetensorsFolder Open(string folder)
    {
        var opened = new SafetensorsFolder(folder);
        string index = System.IO.Path.Combine(folder, IndexName);
        try
        {
            if (!File.Exists(System.IO.Path.Combine(folder, SingleName)) && File.Exists(index)) opened.OpenShards(index);
            else opened.OpenSingle();
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public StoredTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <inheritdoc/>
    public void Read(StoredTensor tensor, long start, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        _shards[tensor.File].Read(tensor, start, destination);
    }

    /// <inheritdoc/>
    public int Verify(CancellationToken cancellation = default) => _shards.Sum(s => s.Verify(cancellation));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SafetensorsReader shard in _shards) shard.Dispose();
    }

    private void OpenSingle()
    {
        SafetensorsReader reader = SafetensorsReader.Open(System.IO.Path.Combine(Path, SingleName));
        _shards.Add(reader);
        foreach (StoredTensor tensor in reader.Tensors) Add(tensor);
    }

    private void OpenShards(string indexPath)
    {
        SafetensorsIndex index = SafetensorsIndex.Read(indexPath);
        string[] missing = [.. index.Shards.Where(s => !File.Exists(System.IO.Path.Combine(Path, s)))];
        if (missing.Length > 0)
            throw new InvalidInputException(
                $"{indexPath}: of its {index.Shards.Count} files, {missing.Length} {(missing.Length == 1 ? "is" : "are")} not in the folder, "
                + $"among them {InvalidInputException.Quote(missing[0])}; download what is missing");
        foreach (string shard in index.Shards) _shards.Add(SafetensorsReader.Open(System.IO.Path.Combine(Path, shard)));
        foreach ((string name, int shard) in index.Map)
        {
            StoredTensor tensor = _shards[shard].Find(name)
                ?? throw new FileFormatException(_shards[shard].Path, $"there is no tensor {InvalidInputException.Quote(name)}, which the index says is here", "download the model again");
            Add(tensor with { File = shard });
        }
    }

    private void Add(StoredTensor tensor)
    {
        _tensors.Add(tensor);
        _byName.Add(tensor.Name, tensor);
    }
}
