using Microsoft.Win32.SafeHandles;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Files.Gguf;

/// <summary>Reads and checks what stands before the tensor data of one GGUF file. Every number is compared with the file's length or a
/// limit before it is used.</summary>
internal sealed class GgufHeader
{
    public const uint Magic = 0x46554747;
    public const uint NewestVersion = 3;
    public const string AlignmentKey = "general.alignment";
    public const int DefaultAlignment = 32;

    private const int LargestKey = 65535;
    private const int LargestName = 4096;
    private const int EntryLimit = 1 << 16;
    private const int TensorLimit = 1 << 16;
    private const int DeepestArray = 4;

    // Eight times the most merges of published vocabularies; readers need some bytes for each element besides those in the file.
    private const int ElementLimit = 1 << 22;

    private readonly GgufCursor _cursor;
    private readonly long _fileBytes;
    private readonly int _file;
    private readonly List<StoredTensor> _tensors = [];
    private readonly List<UnsupportedTensor> _unsupported = [];
    private long _dataStart;

    private GgufHeader(GgufCursor cursor, long fileBytes, int file)
    {
        _cursor = cursor;
        _fileBytes = fileBytes;
        _file = file;
        Metadata = null!;
    }

    /// <summary>2 or 3.</summary>
    public uint Version { get; private set; }

    /// <summary>Tensor data, and each tensor in it, begins at a multiple of this many bytes.</summary>
    public int Alignment { get; private set; } = DefaultAlignment;

    public GgufMetadata Metadata { get; private set; }

    /// <summary>Tensors in the order of the file.</summary>
    public IReadOnlyList<StoredTensor> Tensors => _tensors;

    /// <summary>Tensors stored in ways that are not read here.</summary>
    public IReadOnlyList<UnsupportedTensor> Unsupported => _unsupported;

    /// <summary>Parses the head of a file.</summary>
    /// <param name="handle">The open file.</param>
    /// <param name="path">Its name.</param>
    /// <param name="fileBytes">Its length.</param>
    /// <param name="file">Which file of several it is, from 0.</param>
    /// <exception cref="FileFormatException">Any fault.</exception>
    public static GgufHeader Read(SafeFileHandle handle, string path, long fileBytes, int file)
    {
        var header = new GgufHeader(new GgufCursor(handle, path, fileBytes), fileBytes, file);
        header.ReadVersion(path);
        // Both counts come first, so their things are at least as many bytes away as the smallest of each take.
        int tensors = header._cursor.Count("tensors", sizeof(ulong) + 1 + sizeof(uint) + sizeof(uint) + sizeof(ulong), TensorLimit);
        int entries = header._cursor.Count("metadata entries", sizeof(ulong) + 1 + sizeof(uint) + 1, EntryLimit);
        List<GgufEntry> list = header.ReadEntries(entries);
        var described = header.ReadDescriptions(tensors, path, list);
        header.Place(described);
        return header;
    }

    private void ReadVersion(string path)
    {
        if (_fileBytes < 24) throw NotGguf(path, $"the file has only {_fileBytes} bytes");
        uint magic = _cursor.UInt32();
        if (magic != Magic) throw NotGguf(path, $"the file begins with the bytes {magic & 0xFF:x2} {(magic >> 8) & 0xFF:x2} {(magic >> 16) & 0xFF:x2} {magic >> 24:x2}, not with GGUF");
        Version = _cursor.UInt32();
        if (Version is 2 or NewestVersion) return;
        if (Version == 1) throw new FileFormatException(path, "it is GGUF version 1 of August 2023, which is not read", "convert the model again with newer tools");
        if (Version is > 0 and <= 0xFFFF) throw new FileFormatException(path, $"it is GGUF version {Version}", $"versions 2 and {NewestVersion} are read; convert the model to one of them");
        throw (Version & 0xFFFF) == 0 && Version != 0
            ? new FileFormatException(path, "it is a big-endian GGUF file", "convert the model for little-endian machines")
            : _cursor.Fault($"it claims version {Version}");
    }

    // Whoever names a file of another name mostly means something else than a GGUF file.
    private static FileFormatException NotGguf(string path, string what)
    {
        if (HuggingFaceFolder.DescribePart(path) is { } part) return new(path, $"this is {part}, not a model", "give the folder that it is in");
        return path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
            ? new(path, what, "it is not a GGUF file; check which file this is")
            : new(path, "this is neither a GGUF file nor a llama2.c checkpoint, whose name ends in .bin", "give one of these, or the folder of a model");
    }

    private List<GgufEntry> ReadEntries(int count)
    {
        var entries = new List<GgufEntry>(Math.Min(count, 256));
        for (int i = 0; i < count; i++)
        {
            string key = _cursor.Text("the key of a metadata entry", LargestKey);
            GgufType type = ReadType(key);
            GgufEntry entry = new(key, type, type, 1) { Start = _cursor.Position };
            if (type == GgufType.Array)
            {
                GgufType element = ReadType(key);
                int elements = ReadCount(element, key);
                entry = new(key, type, element, elements) { Start = _cursor.Position };
                SkipElements(element, elements, key, 1);
            }
            else
            {
                SkipElements(type, 1, key, 0);
            }

            entries.Add(entry with { Bytes = _cursor.Position - entry.Start });
        }

        return entries;
    }

    private GgufType ReadType(string key)
    {
        uint type = _cursor.UInt32();
        return type <= (uint)GgufType.Float64 ? (GgufType)type : throw _cursor.Fault($"the metadata entry {InvalidInputException.Quote(key)} has the unknown type {type}");
    }

    private int ReadCount(GgufType element, string key) => _cursor.Count("elements", element.LeastBytes(), ElementLimit, key);

    private void SkipElements(GgufType type, int count, string key, int depth)
    {
        if (type.Bytes() is > 0 and int bytes)
        {
            _cursor.Skip((long)count * bytes);
        }
        else if (type == GgufType.String)
        {
            _cursor.SkipStrings(count);
        }
        else
        {
            if (depth == DeepestArray) throw _cursor.Fault($"the metadata entry {InvalidInputException.Quote(key)} nests arrays more than {DeepestArray} deep");
            for (int i = 0; i < count; i++)
            {
                GgufType element = ReadType(key);
                SkipElements(element, ReadCount(element, key), key, depth + 1);
            }
        }
    }

    private List<(string Name, Shape Shape, GgufTensorType Type, ulong Offset)> ReadDescriptions(int count, string path, List<GgufEntry> entries)
    {
        var described = new List<(string, Shape, GgufTensorType, ulong)>(Math.Min(count, 1024));
        int metadataEnd = _cursor.Position;
        for (int i = 0; i < count; i++)
        {
            string name = _cursor.Text("the name of a tensor", LargestName);
            Shape shape = ReadShape(name);
            described.Add((name, shape, GgufTensorType.Of(_cursor.UInt32()), _cursor.UInt64()));
        }

        int end = _cursor.Position;
        Metadata = new GgufMetadata(path, _cursor.Passed(metadataEnd), entries);
        Alignment = Metadata.GetInt32(AlignmentKey, 1, 1 << 30, DefaultAlignment);
        if (!int.IsPow2(Alignment)) throw _cursor.Fault($"{AlignmentKey} is {Alignment}, which is no power of two");
        _dataStart = ByteSize.AlignUp(end, Alignment);
        return described;
    }

    // In files the innermost size comes first.
    private Shape ReadShape(string name)
    {
        uint rank = _cursor.UInt32();
        if (rank > Shape.MaxRank) throw _cursor.Fault($"tensor {InvalidInputException.Quote(name)} claims {rank} dimensions, where at most {Shape.MaxRank} are allowed");
        Span<long> sizes = stackalloc long[Shape.MaxRank];
        for (int i = (int)rank - 1; i >= 0; i--)
        {
            ulong size = _cursor.UInt64();
            if (size > long.MaxValue) throw _cursor.Fault($"tensor {InvalidInputException.Quote(name)} claims the size {size}");
            sizes[i] = (long)size;
        }

        try
        {
            return new Shape(sizes[..(int)rank]);
        }
        catch (OverflowException e)
        {
            throw _cursor.Fault($"the sizes of tensor {InvalidInputException.Quote(name)} multiply to more than 63 bits", e);
        }
    }

    private void Place(List<(string Name, Shape Shape, GgufTensorType Type, ulong Offset)> described)
    {
        var extents = new List<(long Offset, long Bytes, string Name)>(described.Count);
        foreach ((string name, Shape shape, GgufTensorType type, ulong offset) in described)
        {
            string label = InvalidInputException.Quote(name);
            if (offset % (ulong)Alignment != 0) throw _cursor.Fault($"tensor {label} begins at byte {offset} of the data, which is no multiple of {Alignment}");
            long bytes = BytesOf(label, shape, type);
            if (offset > (ulong)_fileBytes || _dataStart + (long)offset > _fileBytes - bytes)
                throw new FileFormatException(Metadata.Path, $"tensor {label} has {bytes} bytes from byte {offset} of the data on, beyond the end of the file of {_fileBytes}",
                    "the file was cut short; download or convert it again");
            long start = _dataStart + (long)offset;
            extents.Add((start, bytes, name));
            if (type.DType is { } dtype) _tensors.Add(new StoredTensor(name, dtype, shape, _file, start, bytes));
            else _unsupported.Add(new UnsupportedTensor(name, type.Name, shape, bytes));
        }

        extents.Sort(static (a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.Bytes.CompareTo(b.Bytes));
        for (int i = 1; i < extents.Count; i++)
        {
            if (extents[i].Offset < extents[i - 1].Offset + extents[i - 1].Bytes)
                throw _cursor.Fault($"tensor {InvalidInputException.Quote(extents[i].Name)} overlaps {InvalidInputException.Quote(extents[i - 1].Name)}");
        }
    }

    private long BytesOf(string label, Shape shape, GgufTensorType type)
    {
        long row = shape.Rank == 0 ? 1 : shape[^1];
        if (row % type.BlockElements != 0)
            throw _cursor.Fault($"tensor {label} is {type.Name} {shape}, where rows must be multiples of {type.BlockElements}");
        Int128 bytes = (Int128)(row / type.BlockElements) * type.BlockBytes * shape.Rows;
        return bytes <= _fileBytes ? (long)bytes : throw _cursor.Fault($"tensor {label} is {type.Name} {shape}, {bytes} bytes in a file of {_fileBytes}");
    }
}
