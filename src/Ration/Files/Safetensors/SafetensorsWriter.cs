using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Files.Safetensors;

/// <summary>
/// Writes a safetensors file: first every tensor and metadata entry is declared, then <see cref="Save"/> streams the bytes. With
/// checksums on, the metadata gets a CRC-32C for each tensor, which <see cref="SafetensorsReader.Verify"/> compares.
/// </summary>
/// <param name="checksums">Whether to add the checksums.</param>
public sealed class SafetensorsWriter(bool checksums = true)
{
    private readonly List<(string Name, DType DType, Shape Shape)> _declared = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _metadata = new(StringComparer.Ordinal);

    /// <summary>The size that <see cref="Save"/> will write, to the byte.</summary>
    public long FileBytes
    {
        get
        {
            StoredTensor[] tensors = Layout(Header(Layout(0), default).Length);
            return tensors.Length == 0 ? Header(tensors, default).Length : tensors[^1].Offset + tensors[^1].Bytes;
        }
    }

    /// <summary>Adds a tensor. In the file, wider elements come first, so that each tensor is aligned to its elements; ties keep this
    /// order.</summary>
    /// <exception cref="ArgumentException">The name is empty, reserved or already taken.</exception>
    public void Declare(string name, DType type, Shape shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name == SafetensorsFormat.MetadataKey)
            throw new ArgumentException($"the format keeps the name {name} for itself", nameof(name));
        _ = checked(shape.Elements * type.Bytes());
        if (!_names.Add(name)) throw new ArgumentException($"two tensors are named {name}", nameof(name));
        _declared.Add((name, type, shape));
    }

    /// <summary>Sets a text entry, replacing an earlier one of the same key.</summary>
    public void SetMetadata(string key, string value)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        _metadata[key] = value;
    }

    /// <summary>
    /// Writes the file atomically (<see cref="AtomicFile"/>). <paramref name="write"/> gives the bytes of every declared tensor, in any
    /// order and each in as many pieces as it likes.
    /// </summary>
    /// <exception cref="InvalidOperationException">A tensor was left incomplete; nothing was changed on disk.</exception>
    public void Save(string path, Action<TensorOutput> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        StoredTensor[] tensors = Layout(Header(Layout(0), default).Length);
        long total = tensors.Length == 0 ? 0 : tensors[^1].Offset + tensors[^1].Bytes;
        AtomicFile.Write(path, Content, total);

        void Content(FileStream stream)
        {
            stream.Write(Header(tensors, default));
            var output = new TensorOutput([stream], tensors, checksums);
            write(output);
            output.RequireComplete();
            if (!checksums) return;
            stream.Position = 0;
            stream.Write(Header(tensors, output));
        }
    }

    private StoredTensor[] Layout(long dataStart)
    {
        var tensors = new StoredTensor[_declared.Count];
        long offset = dataStart;
        int count = 0;
        foreach ((string name, DType type, Shape shape) in _declared.OrderByDescending(static t => t.DType.Bytes()))
        {
            long bytes = shape.Elements * type.Bytes();
            tensors[count++] = new StoredTensor(name, type, shape, 0, offset, bytes);
            offset = checked(offset + bytes);
        }

        return tensors;
    }

    // Its length does not depend on the offset of the data nor on the checksums, which are eight digits in any case.
    private byte[] Header(StoredTensor[] tensors, TensorOutput? finished)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            WriteMetadata(json, tensors, finished);
            long dataStart = tensors.Length == 0 ? 0 : tensors[0].Offset;
            foreach (StoredTensor tensor in tensors) WriteTensor(json, tensor, dataStart);
            json.WriteEndObject();
        }

        if (buffer.WrittenCount > SafetensorsFormat.HeaderLimit - SafetensorsFormat.DataAlignment)
            throw new InvalidOperationException($"the header has {buffer.WrittenCount} bytes; the format allows {SafetensorsFormat.HeaderLimit}");
        long total = ByteSize.AlignUp(SafetensorsFormat.PrefixBytes + buffer.WrittenCount, SafetensorsFormat.DataAlignment);
        byte[] header = new byte[total];
        header.AsSpan().Fill((byte)' ');
        BinaryPrimitives.WriteInt64LittleEndian(header, total - SafetensorsFormat.PrefixBytes);
        buffer.WrittenSpan.CopyTo(header.AsSpan(SafetensorsFormat.PrefixBytes));
        return header;
    }

    private void WriteMetadata(Utf8JsonWriter json, StoredTensor[] tensors, TensorOutput? finished)
    {
        if (_metadata.Count == 0 && !checksums) return;
        json.WriteStartObject(SafetensorsFormat.MetadataKey);
        foreach ((string key, string value) in _metadata) json.WriteString(key, value);
        for (int i = 0; checksums && i < tensors.Length; i++)
            json.WriteString(SafetensorsFormat.ChecksumKey(tensors[i].Name), (finished?.ChecksumOf(i) ?? default).ToString());
        json.WriteEndObject();
    }

    private static void WriteTensor(Utf8JsonWriter json, StoredTensor tensor, long dataStart)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", SafetensorsFormat.NameOf(tensor.DType));
        json.WriteStartArray("shape");
        for (int i = 0; i < tensor.Shape.Rank; i++) json.WriteNumberValue(tensor.Shape[i]);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(tensor.Offset - dataStart);
        json.WriteNumberValue(tensor.Offset - dataStart + tensor.Bytes);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
