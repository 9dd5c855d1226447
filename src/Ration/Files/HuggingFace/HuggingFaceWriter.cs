using System.Globalization;
using System.Text.Json;
using Ration.Files.BitsAndBytes;
using Ration.Files.Safetensors;
using Ration.Files.Weights;
using Ration.Tensors;

namespace Ration.Files.HuggingFace;

/// <summary>
/// Writes the weights and the configuration of a folder. All files are complete before the first takes its place, so that a model that was there before stays
/// whole if anything fails; weights take theirs first, so that a folder with a configuration has its weights.
/// </summary>
/// <param name="folder">Where; it exists.</param>
/// <param name="source">The parameters, under the conventions of such folders.</param>
/// <param name="map">Their places in the files.</param>
/// <param name="types">How each tensor is stored.</param>
/// <param name="original">What 4-bit weights are dequantized to.</param>
internal sealed class HuggingFaceWriter(string folder, WeightSource source, WeightMap map, Func<string, DType> types, DType original = DType.F32)
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
    /// <exception cref="InvalidInputException">No configuration file can describe the model; nothing was written.</exception>
    public void Write(HuggingFaceConfig config, long shardBytes)
    {
        byte[] described = HuggingFaceFolder.ComposeConfig(folder, config);
        _total = map.Tensors.Sum(t => PartsOf(t.Name, t.Shape).Sum(static p => p.Type.Bytes(p.Shape)));
        List<List<(string Name, Shape Shape)>> shards = Split(shardBytes);
        string[] names = [.. shards.Select(
            (_, i) => shards.Count == 1 ? SafetensorsFolder.SingleName : string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors"))];
        AtomicFile.Write(Path.Combine(folder, HuggingFaceFolder.ConfigName), stream =>
        {
            stream.Write(described);
            WriteWeights(shards, names);
            DeleteOthers(names);
        });
    }

    private void WriteWeights(List<List<(string Name, Shape Shape)>> shards, string[] names)
    {
        if (names.Length == 1) WriteShards(0);
        else
        {
            AtomicFile.Write(Path.Combine(folder, SafetensorsFolder.IndexName), stream =>
            {
                WriteIndex(stream, shards, names);
                WriteShards(0);
            });
        }

        // Each within the writing of the one before.
        void WriteShards(int first) => WriteShard(Path.Combine(folder, names[first]), shards[first], first + 1 < names.Length ? () => WriteShards(first + 1) : null);
    }

    // Weights of an earlier model: readers prefer the single file, and nothing names other shards.
    private void DeleteOthers(string[] names)
    {
        if (names.Length == 1) File.Delete(Path.Combine(folder, SafetensorsFolder.IndexName));
        IEnumerable<string> weights = Directory.EnumerateFiles(folder, "model-?????-of-?????.safetensors").Append(Path.Combine(folder, SafetensorsFolder.SingleName));
        foreach (string other in weights.Where(path => !names.Contains(Path.GetFileName(path))).ToArray()) File.Delete(other);
    }

    private List<List<(string Name, Shape Shape)>> Split(long shardBytes)
    {
        List<List<(string Name, Shape Shape)>> shards = [[]];
        long filled = 0;
        foreach ((string Name, Shape Shape) tensor in map.Tensors)
        {
            long bytes = PartsOf(tensor.Name, tensor.Shape).Sum(static p => p.Type.Bytes(p.Shape));
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

    private void WriteShard(string path, List<(string Name, Shape Shape)> tensors, Action? next)
    {
        SafetensorsWriter writer = new();
        writer.SetMetadata("format", "pt");
        Dictionary<string, Shape> shapes = new(StringComparer.Ordinal);
        foreach ((string name, Shape shape) in tensors)
        {
            foreach ((string part, DType type, Shape size) in PartsOf(name, shape)) writer.Declare(part, type, size);
            shapes.Add(name, shape);
        }

        writer.Save(path, output =>
        {
            // In the order of the file, each with its parts.
            foreach (string name in output.Tensors.Select(static t => t.Name).Where(shapes.ContainsKey)) WriteTensor(output, name, shapes[name]);
            next?.Invoke();
        });
    }

    private void WriteTensor(TensorOutput output, string name, Shape shape)
    {
        FourBitOutput? parts = FourBitOutput.Holds(types(name)) ? new FourBitOutput(name, shape, types(name), original) : null;
        new TensorWriting(source, map, (tensor, bytes) =>
        {
            if (parts is null) output.Write(tensor, bytes);
            Report(tensor, parts?.Write(output, bytes) ?? bytes.Length);
        }).Write(name, shape, parts?.Blocks ?? types(name), Cancellation);
        if (parts is null) return;
        parts.Finish(output);
        Report(name, parts.Parts.Skip(1).Sum(static p => p.Type.Bytes(p.Shape)));
    }

    private void Report(string tensor, long bytes)
    {
        _done += bytes;
        Progress?.Report(new ModelConversionProgress(tensor, _done, _total));
    }

    private IEnumerable<(string Name, DType Type, Shape Shape)> PartsOf(string name, Shape shape)
    {
        DType type = types(name);
        return FourBitOutput.Holds(type) ? new FourBitOutput(name, shape, type, original).Parts : [(name, type, shape)];
    }

    private void WriteIndex(FileStream stream, List<List<(string Name, Shape Shape)>> shards, string[] names)
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", _total);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        IEnumerable<(string Name, int Shard)> parts = shards.SelectMany((s, i) => s.SelectMany(t => PartsOf(t.Name, t.Shape)).Select(p => (p.Name, i)));
        foreach ((string name, int shard) in parts.OrderBy(static t => t.Name, StringComparer.Ordinal)) json.WriteString(name, names[shard]);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        stream.WriteByte((byte)'\n');
    }
}
