using System.Globalization;
using System.Text.Json;
using Ration.Files.Safetensors;
using Ration.Files.Weights;
using Ration.Tensors;

namespace Ration.Files.HuggingFace;

/// <summary>Writes the weights and the configuration of a folder; weights first, so that a folder with a configuration has its weights.</summary>
/// <param name="folder">Where; it exists.</param>
/// <param name="source">The parameters, under the conventions of such folders.</param>
/// <param name="map">Their places in the files.</param>
/// <param name="types">How each tensor is stored.</param>
internal sealed class HuggingFaceWriter(string folder, WeightSource source, WeightMap map, Func<string, DType> types)
{
    private long _total;
    private long _done;

    /// <summary>Told about each piece.</summary>
    public IProgress<ModelConversionProgress>? Progress { get; init; }

    /// <summary>Ends the work between pieces; no file is left incomplete.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Writes everything.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="shardBytes">Most bytes of tensors in a file; a larger tensor has one to itself.</param>
    public void Write(HuggingFaceConfig config, long shardBytes)
    {
        _total = map.Tensors.Sum(t => types(t.Name).Bytes(t.Shape));
        List<List<(string Name, Shape Shape)>> shards = Split(shardBytes);
        string[] names = [.. shards.Select((_, i) => shards.Count == 1 ? SafetensorsFolder.SingleName : string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors"))];
        for (int i = 0; i < names.Length; i++) WriteShard(Path.Combine(folder, names[i]), shards[i]);
        string index = Path.Combine(folder, SafetensorsFolder.IndexName), single = Path.Combine(folder, SafetensorsFolder.SingleName);
        if (names.Length > 1)
        {
            AtomicFile.Write(index, stream => WriteIndex(stream, shards, names));
            // Readers prefer the single file, which would be an older model.
            File.Delete(single);
        }
        else
        {
            File.Delete(index);
        }

        HuggingFaceFolder.WriteConfig(folder, config);
    }

    private List<List<(string Name, Shape Shape)>> Split(long shardBytes)
    {
        List<List<(string Name, Shape Shape)>> shards = [[]];
        long filled = 0;
        foreach ((string Name, Shape Shape) tensor in map.Tensors)
        {
            long bytes = types(tensor.Name).Bytes(tensor.Shape);
            if (filled > 0 && filled + bytes > shardBytes)
            {
                shards.Add([]);
                filled = 0;
            }

            shards[^1].Add(tensor);
            filled += bytes;
        }

        return shards;
    }

    private void WriteShard(string path, List<(string Name, Shape Shape)> tensors)
    {
        SafetensorsWriter writer = new();
        writer.SetMetadata("format", "pt");
        Dictionary<string, Shape> shapes = new(StringComparer.Ordinal);
        foreach ((string name, Shape shape) in tensors)
        {
            writer.Declare(name, types(name), shape);
            shapes.Add(name, shape);
        }

        writer.Save(path, output =>
        {
            TensorWriting writing = new(source, map, (tensor, bytes) =>
            {
                output.Write(tensor, bytes);
                _done += bytes.Length;
                Progress?.Report(new ModelConversionProgress(tensor, _done, _total));
            });
            foreach (string name in output.Tensors.Select(static t => t.Name)) writing.Write(name, shapes[name], types(name), Cancellation);
        });
    }

    private void WriteIndex(FileStream stream, List<List<(string Name, Shape Shape)>> shards, string[] names)
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", _total);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach ((string name, int shard) in shards.SelectMany(static (s, i) => s.Select(t => (t.Name, i))).OrderBy(static t => t.Name, StringComparer.Ordinal)) json.WriteString(name, names[shard]);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        stream.WriteByte((byte)'\n');
    }
}
