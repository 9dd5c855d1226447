using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Ration.Files.Gguf;

/// <summary>
/// A GGUF model, in one file or split into several, open for reading: versions 2 and 3, little-endian
/// (https://github.com/ggml-org/ggml, docs/gguf.md). Opening reads and checks everything but the tensor data. Reads may run on several
/// threads at once.
/// </summary>
public sealed class GgufFile : ITensorSource
{
    internal const string SplitNumber = "split.no", SplitCount = "split.count", SplitTensors = "split.tensors.count";
    private readonly List<Part> _parts = [];
    private readonly List<StoredTensor> _tensors = [];
    private readonly List<UnsupportedTensor> _unsupported = [];
    private readonly Dictionary<string, StoredTensor?> _byName = new(StringComparer.Ordinal);

    private GgufFile(string path) => Path = path;

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>The files, first the one with the metadata.</summary>
    public IEnumerable<string> Paths => _parts.Select(static p => p.Path);

    /// <summary>2 or 3.</summary>
    public int Version => (int)_parts[0].Header.Version;

    /// <summary>Tensors begin at multiples of this many bytes from the start of the data.</summary>
    public int Alignment => _parts[0].Header.Alignment;

    /// <summary>What the file says about the model and its tokenizer.</summary>
    public GgufMetadata Metadata => _parts[0].Header.Metadata;

    /// <inheritdoc/>
    public IReadOnlyList<StoredTensor> Tensors => _tensors;

    /// <summary>Tensors that are in the file but stored in ways that are not read here.</summary>
    public IReadOnlyList<UnsupportedTensor> Unsupported => _unsupported;

    /// <summary>Whether a file is named or begins as GGUF files do; what has no content does not.</summary>
    /// <exception cref="InvalidInputException">It cannot be read.</exception>
    public static bool IsOne(string path)
    {
        if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)) return true;
        if (!InputFile.HasContent(path)) return false;
        Span<byte> magic = stackalloc byte[4];
        using SafeFileHandle handle = InputFile.Open(path, out long length);
        if (length < magic.Length) return false;
        InputFile.ReadExactly(handle, path, 0, magic);
        return magic.SequenceEqual("GGUF"u8);
    }

    /// <summary>Opens a file, and the others where it is the first of several.</summary>
    /// <exception cref="FileFormatException">It is damaged, of another version, or not the first of its parts.</exception>
    /// <exception cref="InvalidInputException">It or one of its parts is missing, empty or may not be read.</exception>
    public static GgufFile Open(string path)
    {
        var file = new GgufFile(path);
        try
        {
            file.Add(path);
            int count = file.Metadata.GetInt32(SplitCount, 0, ushort.MaxValue, 0);
            if (count > 1) file.AddParts(count);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="FileFormatException">The tensor is there but stored in a way that is not read here.</exception>
    public StoredTensor? Find(string name)
    {
        if (!_byName.TryGetValue(name, out StoredTensor? tensor)) return null;
        if (tensor is not null) return tensor;
        UnsupportedTensor unsupported = _unsupported.First(t => t.Name == name);
        throw new FileFormatException(Path, $"tensor {InvalidInputException.Quote(name)} is stored as {unsupported.Type}, which is not read",
            "take the model in a format such as Q4_0, Q4_K, Q8_0 or F16");
    }

    /// <inheritdoc/>
    public void Read(StoredTensor tensor, long start, Span<byte> destination)
    {
        TensorSources.RequireWithin(tensor, start, destination.Length);
        Part part = _parts[tensor.File];
        InputFile.ReadExactly(part.Handle, part.Path, tensor.Offset + start, destination);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Part part in _parts) part.Handle.Dispose();
    }

    /// <summary>The name of one of several files.</summary>
    internal static string PartName(string stem, int index, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"{stem}-{index + 1:D5}-of-{count:D5}.gguf");

    private void AddParts(int count)
    {
        int index = Metadata.GetInt32(SplitNumber, 0, count - 1);
        string ending = PartName("", index, count);
        if (!Path.EndsWith(ending, StringComparison.Ordinal))
            throw new FileFormatException(Path, $"the file is part {index + 1} of {count} but its name does not end in {ending}", "give it the name back that it had");
        string stem = Path[..^ending.Length];
        if (index != 0)
            throw new FileFormatException(Path, $"the file is part {index + 1} of {count}", $"name the first one, {PartName(stem, 0, count)}");
        for (int i = 1; i < count; i++)
        {
            GgufMetadata metadata = Add(PartName(stem, i, count));
            if (metadata.GetInt32(SplitNumber, 0, ushort.MaxValue) != i || metadata.GetInt32(SplitCount, 0, ushort.MaxValue) != count)
                throw new FileFormatException(metadata.Path, $"the file does not say that it is part {i + 1} of {count}", "download the parts again");
        }

        int expected = Metadata.GetInt32(SplitTensors, 0, int.MaxValue);
        if (expected != _byName.Count)
            throw new FileFormatException(Path, $"its parts hold {_byName.Count} tensors, where {expected} are announced", "download the parts again");
    }

    private GgufMetadata Add(string path)
    {
        SafeFileHandle handle = InputFile.Open(path, out long length);
        GgufHeader header;
        try
        {
            header = GgufHeader.Read(handle, path, length, _parts.Count);
        }
        catch
        {
            handle.Dispose();
            throw;
        }

        _parts.Add(new Part(path, handle, header));
        foreach (StoredTensor tensor in header.Tensors) AddName(path, tensor.Name, tensor);
        foreach (UnsupportedTensor tensor in header.Unsupported) AddName(path, tensor.Name, null);
        _tensors.AddRange(header.Tensors);
        _unsupported.AddRange(header.Unsupported);
        return header.Metadata;
    }

    private void AddName(string path, string name, StoredTensor? tensor)
    {
        if (!_byName.TryAdd(name, tensor))
            throw new FileFormatException(path, $"two tensors are named {InvalidInputException.Quote(name)}", "download or convert the model again");
    }

    private sealed record Part(string Path, SafeFileHandle Handle, GgufHeader Header);
}
