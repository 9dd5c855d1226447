using System.Text.Json;
using Ration.Tensors;

namespace Ration.Files.Safetensors;

/// <summary>Reads and checks the JSON header of a safetensors file. Nothing it says is believed before it is compared with the file's
/// length.</summary>
internal sealed class SafetensorsHeader
{
    private const string Mend = "the file is damaged or was made by a faulty writer; download or export it again";
    private readonly string _path;
    private readonly long _dataStart;
    private readonly long _dataBytes;
    private readonly List<StoredTensor> _tensors = [];
    private readonly Dictionary<string, StoredTensor> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private long _characters;

    private SafetensorsHeader(string path, long dataStart, long dataBytes)
    {
        _path = path;
        _dataStart = dataStart;
        _dataBytes = dataBytes;
    }

    /// <summary>All tensors in the order of their bytes.</summary>
    public IReadOnlyList<StoredTensor> Tensors => _tensors;

    /// <summary>The same tensors by name.</summary>
    public IReadOnlyDictionary<string, StoredTensor> ByName => _byName;

    /// <summary>The free text entries of the file.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Parses <paramref name="json"/>, the header without its length prefix, of a file of <paramref name="fileBytes"/>
    /// bytes.</summary>
    /// <exception cref="FileFormatException">Any fault.</exception>
    public static SafetensorsHeader Parse(string path, ReadOnlySpan<byte> json, long fileBytes)
    {
        long dataStart = SafetensorsFormat.PrefixBytes + json.Length;
        var header = new SafetensorsHeader(path, dataStart, fileBytes - dataStart);
        try
        {
            var reader = new Utf8JsonReader(json);
            header.ReadEntries(ref reader);
        }
        catch (JsonException e)
        {
            throw header.Fault("the header is not valid JSON", e);
        }

        header.CheckLayout();
        return header;
    }

    private FileFormatException Fault(string what, Exception? inner = null) => new(_path, what, Mend, inner);

    private void ReadEntries(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw Fault("the header is not a JSON object");
        bool metadataSeen = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = Kept(ref reader, "a name in the header");
            if (name.Length > SafetensorsFormat.LargestName) throw Fault($"a name in the header has {name.Length} characters, where at most {SafetensorsFormat.LargestName} are allowed");
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw Fault($"the header entry {InvalidInputException.Quote(name)} is not a JSON object");
            if (name == SafetensorsFormat.MetadataKey)
            {
                if (metadataSeen) throw Fault("the header has two metadata entries");
                metadataSeen = true;
                ReadMetadata(ref reader);
            }
            else
            {
                StoredTensor tensor = ReadTensor(ref reader, name);
                if (!_byName.TryAdd(name, tensor)) throw Fault($"two tensors are named {InvalidInputException.Quote(name)}");
                if (_byName.Count > SafetensorsFormat.EntryLimit)
                    throw Fault($"the header names more than {SafetensorsFormat.EntryLimit} tensors");
                _tensors.Add(tensor);
            }
        }

        // The object is closed here; anything but padding after it makes the reader throw.
        if (reader.Read()) throw Fault("the header goes on after its JSON object");
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = Kept(ref reader, "a metadata key");
            if (!reader.Read() || reader.TokenType != JsonTokenType.String)
                throw Fault($"the metadata entry {InvalidInputException.Quote(key)} is not a string");
            string value = Kept(ref reader, "a metadata value");
            if (!_metadata.TryAdd(key, value)) throw Fault($"two metadata entries are named {InvalidInputException.Quote(key)}");
            // A checksum for each tensor, and as many others.
            if (_metadata.Count > 2 * SafetensorsFormat.EntryLimit)
                throw Fault($"the header has more than {2 * SafetensorsFormat.EntryLimit} metadata entries");
        }
    }

    private StoredTensor ReadTensor(ref Utf8JsonReader reader, string name)
    {
        string label = InvalidInputException.Quote(name);
        DType? type = null;
        Shape? shape = null;
        (long Begin, long End)? range = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = Text(ref reader, "a key in the header");
            bool repeated = key switch
            {
                "dtype" => type is not null,
                "shape" => shape is not null,
                "data_offsets" => range is not null,
                _ => throw Fault($"tensor {label} has the unknown key {InvalidInputException.Quote(key)}"),
            };
            if (repeated) throw Fault($"tensor {label} has two entries {key}");
            reader.Read();
            if (key == "dtype") type = ReadType(ref reader, label);
            else if (key == "shape") shape = ReadShape(ref reader, label);
            else range = ReadRange(ref reader, label);
        }

        if (type is not { } dtype || shape is not { } sizes || range is not { } bytes)
            throw Fault($"tensor {label} lacks its dtype, shape or data_offsets");
        if (sizes.Elements > long.MaxValue / dtype.Bytes() || sizes.Elements * dtype.Bytes() != bytes.End - bytes.Begin)
            throw Fault($"tensor {label} is {SafetensorsFormat.NameOf(dtype)} {sizes} but has {bytes.End - bytes.Begin} bytes");
        return new StoredTensor(name, dtype, sizes, 0, _dataStart + bytes.Begin, bytes.End - bytes.Begin);
    }

    private DType ReadType(ref Utf8JsonReader reader, string label)
    {
        if (reader.TokenType != JsonTokenType.String) throw Fault($"the dtype of tensor {label} is not a string");
        string name = Text(ref reader, "a dtype");
        return SafetensorsFormat.TryParse(name, out DType type)
            ? type
            : throw new FileFormatException(_path, $"tensor {label} has the element type {InvalidInputException.Quote(name)}",
                "convert it to F32, BF16, F16, F8_E4M3, F8_E5M2 or a type of whole numbers, which are read here");
    }

    private Shape ReadShape(ref Utf8JsonReader reader, string label)
    {
        Span<long> sizes = stackalloc long[Shape.MaxRank];
        int rank = ReadNumbers(ref reader, label, "shape", sizes);
        if (rank > Shape.MaxRank)
            throw new FileFormatException(_path, $"tensor {label} has more than {Shape.MaxRank} dimensions",
                $"reshape it to at most {Shape.MaxRank}");
        try
        {
            return new Shape(sizes[..rank]);
        }
        catch (OverflowException e)
        {
            throw Fault($"the shape of tensor {label} multiplies to more than 63 bits", e);
        }
    }

    private (long Begin, long End) ReadRange(ref Utf8JsonReader reader, string label)
    {
        Span<long> ends = stackalloc long[2];
        if (ReadNumbers(ref reader, label, "data_offsets", ends) != 2)
            throw Fault($"the data_offsets of tensor {label} are not two numbers");
        if (ends[0] > ends[1]) throw Fault($"the data_offsets of tensor {label} end at {ends[1]}, before they begin at {ends[0]}");
        if (ends[1] > _dataBytes) throw Fault($"tensor {label} ends at byte {ends[1]} of the data, which has only {_dataBytes}");
        return (ends[0], ends[1]);
    }

    // Returns how many there are, which can be one more than fit.
    private int ReadNumbers(ref Utf8JsonReader reader, string label, string what, scoped Span<long> numbers)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Fault($"the {what} of tensor {label} is not an array");
        int count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long value) || value < 0)
                throw Fault($"the {what} of tensor {label} holds something that is not a whole number from 0 up to 63 bits");
            if (count == numbers.Length) return count + 1;
            numbers[count++] = value;
        }

        return count;
    }

    private string Kept(ref Utf8JsonReader reader, string what)
    {
        string text = Text(ref reader, what);
        _characters += text.Length;
        return _characters <= SafetensorsFormat.TextLimit ? text : throw Fault($"the names and metadata in the header have more than {SafetensorsFormat.TextLimit} characters");
    }

    private string Text(ref Utf8JsonReader reader, string what)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw Fault($"{what} is not valid Unicode", e);
        }
    }

    private void CheckLayout()
    {
        _tensors.Sort(static (a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset)
            : a.Bytes != b.Bytes ? a.Bytes.CompareTo(b.Bytes) : string.CompareOrdinal(a.Name, b.Name));
        long next = _dataStart;
        foreach (StoredTensor tensor in _tensors)
        {
            if (tensor.Offset < next) throw Fault($"tensor {InvalidInputException.Quote(tensor.Name)} overlaps the one before it");
            if (tensor.Offset > next)
                throw Fault($"{tensor.Offset - next} bytes before tensor {InvalidInputException.Quote(tensor.Name)} belong to no tensor");
            next = tensor.Offset + tensor.Bytes;
        }

        if (next != _dataStart + _dataBytes)
            throw Fault($"the last {_dataStart + _dataBytes - next} bytes of the file belong to no tensor");
    }
}
