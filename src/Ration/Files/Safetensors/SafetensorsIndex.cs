using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Ration.Files.Safetensors;

/// <summary>The index of a model in several safetensors files: which tensor lies in which file (the <c>weight_map</c> of Hugging Face's
/// <c>model.safetensors.index.json</c>).</summary>
internal sealed class SafetensorsIndex
{
    private const long LongestIndex = 64 << 20;
    private const int ShardLimit = 4096;
    private readonly string _path;
    private readonly List<(string Tensor, int Shard)> _map = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly List<string> _shards = [];
    private readonly Dictionary<string, int> _shardNumbers = new(StringComparer.Ordinal);

    private SafetensorsIndex(string path) => _path = path;

    /// <summary>File names, in the order in which the index first names them.</summary>
    public IReadOnlyList<string> Shards => _shards;

    /// <summary>Tensors in the order of the index, with the number of their file.</summary>
    public IReadOnlyList<(string Tensor, int Shard)> Map => _map;

    /// <summary>Reads and checks an index; opens no other file.</summary>
    /// <exception cref="FileFormatException">Any fault.</exception>
    public static SafetensorsIndex Read(string path)
    {
        using SafeFileHandle handle = InputFile.Open(path, out long length);
        if (length > LongestIndex) throw new FileFormatException(path, $"the file has {length} bytes, too many for an index", "check which file this is");
        byte[] bytes = new byte[length];
        InputFile.ReadExactly(handle, path, 0, bytes);
        var index = new SafetensorsIndex(path);
        try
        {
            var reader = new Utf8JsonReader(bytes);
            index.ReadTop(ref reader);
        }
        // The reader's own error for text that is no valid Unicode is InvalidOperationException.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw JsonFault.Of(path, e, "download it again");
        }

        return index;
    }

    private FileFormatException Fault(string what) => new(_path, what, "download the model again");

    private void ReadTop(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw Fault("the index is not a JSON object");
        bool seen = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool map = reader.ValueTextEquals("weight_map"u8);
            reader.Read();
            if (!map)
            {
                reader.Skip();
                continue;
            }

            if (seen) throw Fault("the index has two weight_maps");
            seen = true;
            if (reader.TokenType != JsonTokenType.StartObject) throw Fault("its weight_map is not a JSON object");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName) ReadEntry(ref reader);
        }

        if (reader.Read()) throw Fault("the index goes on after its JSON object");
        if (_map.Count == 0) throw Fault("its weight_map names no tensor");
    }

    private void ReadEntry(ref Utf8JsonReader reader)
    {
        string tensor = reader.GetString()!;
        if (!_names.Add(tensor)) throw Fault($"two tensors are named {InvalidInputException.Quote(tensor)}");
        if (_map.Count == SafetensorsFormat.EntryLimit) throw Fault($"it names more than {SafetensorsFormat.EntryLimit} tensors");
        reader.Read();
        string? shard = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        if (shard is null || !IsPlainName(shard)) throw Fault($"the file of tensor {InvalidInputException.Quote(tensor)} is not a file name ending in .safetensors");
        if (!_shardNumbers.TryGetValue(shard, out int number))
        {
            if (_shards.Count == ShardLimit) throw Fault($"it names more than {ShardLimit} files");
            _shardNumbers.Add(shard, number = _shards.Count);
            _shards.Add(shard);
        }

        _map.Add((tensor, number));
    }

    // A path would reach out of the folder.
    private static bool IsPlainName(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal) && name.Length <= 255 && !name.AsSpan().ContainsAny("/\\:\0");
}
