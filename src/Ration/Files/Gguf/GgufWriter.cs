using System.Text;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Files.Gguf;

/// <summary>
/// Writes GGUF version 3, little-endian: first every metadata entry and tensor is declared, then <see cref="Save"/> or
/// <see cref="SaveParts"/> streams the bytes. Entries and tensors lie in the file in the order of their declaration; the same declarations
/// and bytes give the same file.
/// </summary>
/// <param name="alignment">Tensors begin at multiples of this many bytes: a power of two from 8 on.</param>
public sealed class GgufWriter(int alignment = GgufHeader.DefaultAlignment)
{
    /// <summary>llama.cpp keeps names in 64 bytes and their end.</summary>
    private const int LongestName = 63;

    private const int MostParts = 999;
    private readonly int _alignment = int.IsPow2(alignment) && alignment >= 8 ? alignment
        : throw new ArgumentOutOfRangeException(nameof(alignment), alignment, "tensors are aligned to a power of two from 8 on");
    private readonly List<(string Key, GgufType Type, byte[] Value)> _entries = [];
    private readonly Dictionary<string, int> _entryNumbers = new(StringComparer.Ordinal);
    private readonly List<(string Name, DType DType, Shape Shape)> _declared = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>The size that <see cref="Save"/> will write, to the byte.</summary>
    public long FileBytes => new GgufLayout(_declared, _alignment, long.MaxValue, HeadBytes).FileBytes(0);

    /// <summary>Sets a string.</summary>
    public void SetString(string key, string value) => Set(key, GgufType.String, new GgufEncoder().Text(value));

    /// <summary>Sets an unsigned number.</summary>
    public void SetUInt32(string key, uint value) => Set(key, GgufType.UInt32, new GgufEncoder().UInt32(value));

    /// <summary>Sets a signed number.</summary>
    public void SetInt32(string key, int value) => Set(key, GgufType.Int32, new GgufEncoder().UInt32((uint)value));

    /// <summary>Sets a wide unsigned number.</summary>
    public void SetUInt64(string key, ulong value) => Set(key, GgufType.UInt64, new GgufEncoder().UInt64(value));

    /// <summary>Sets a real number.</summary>
    public void SetSingle(string key, float value) => Set(key, GgufType.Float32, new GgufEncoder().UInt32(BitConverter.SingleToUInt32Bits(value)));

    /// <summary>Sets a truth value.</summary>
    public void SetBoolean(string key, bool value) => Set(key, GgufType.Bool, new GgufEncoder().Raw([(byte)(value ? 1 : 0)]));

    /// <summary>Sets an array of strings.</summary>
    public void SetStrings(string key, IReadOnlyCollection<string> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        GgufEncoder encoder = new GgufEncoder().ArrayOf(GgufType.String, values.Count);
        foreach (string value in values) encoder.Text(value);
        Set(key, GgufType.Array, encoder);
    }

    /// <summary>Sets an array of real numbers.</summary>
    public void SetSingles(string key, ReadOnlySpan<float> values)
    {
        GgufEncoder encoder = new GgufEncoder().ArrayOf(GgufType.Float32, values.Length);
        foreach (float value in values) encoder.UInt32(BitConverter.SingleToUInt32Bits(value));
        Set(key, GgufType.Array, encoder);
    }

    /// <summary>Sets an array of signed numbers.</summary>
    public void SetInt32s(string key, ReadOnlySpan<int> values)
    {
        GgufEncoder encoder = new GgufEncoder().ArrayOf(GgufType.Int32, values.Length);
        foreach (int value in values) encoder.UInt32((uint)value);
        Set(key, GgufType.Array, encoder);
    }

    /// <summary>Sets an array of bytes.</summary>
    public void SetBytes(string key, ReadOnlySpan<byte> values) => Set(key, GgufType.Array, new GgufEncoder().ArrayOf(GgufType.UInt8, values.Length).Raw(values));

    /// <summary>Sets an array of truth values.</summary>
    public void SetBooleans(string key, ReadOnlySpan<bool> values)
    {
        GgufEncoder encoder = new GgufEncoder().ArrayOf(GgufType.Bool, values.Length);
        foreach (bool value in values) encoder.Raw([(byte)(value ? 1 : 0)]);
        Set(key, GgufType.Array, encoder);
    }

    /// <summary>Takes an entry over from another file as it is.</summary>
    public void Copy(GgufMetadata source, string key)
    {
        ArgumentNullException.ThrowIfNull(source);
        GgufEntry entry = source.Find(key) ?? throw new ArgumentException($"{source.Path} has no {key}", nameof(key));
        var encoder = new GgufEncoder();
        if (entry.Type == GgufType.Array) encoder.ArrayOf(entry.ElementType, entry.Count);
        Set(key, entry.Type, encoder.Raw(source.Raw(entry)));
    }

    /// <summary>Adds a tensor.</summary>
    /// <exception cref="ArgumentException">The name is empty, over 63 bytes or already taken, or GGUF cannot store such a tensor so.</exception>
    public void Declare(string name, DType type, Shape shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (Encoding.UTF8.GetByteCount(name) > LongestName) throw new ArgumentException($"the tensor name {name} is longer than {LongestName} bytes", nameof(name));
        _ = GgufTensorType.NumberOf(type);
        _ = type.Bytes(shape);
        if (!_names.Add(name)) throw new ArgumentException($"two tensors are named {name}", nameof(name));
        _declared.Add((name, type, shape));
    }

    /// <summary>Writes one file atomically (<see cref="AtomicFile"/>). <paramref name="write"/> gives the bytes of every declared tensor, in
    /// any order and each in as many pieces as it likes.</summary>
    /// <exception cref="InvalidOperationException">A tensor was left incomplete; nothing was changed on disk.</exception>
    public void Save(string path, Action<TensorOutput> write) => SaveFiles([path], new GgufLayout(_declared, _alignment, long.MaxValue, HeadBytes), write);

    /// <summary>Writes as many files as are needed to keep each one's tensors within <paramref name="largestBytes"/>, a larger tensor alone
    /// in one. <c>model.gguf</c> becomes <c>model-00001-of-00003.gguf</c> and so on; the first has the metadata and is put in its place
    /// last.</summary>
    /// <returns>The files; only <paramref name="path"/> itself where one is enough.</returns>
    /// <exception cref="InvalidOperationException">A tensor was left incomplete; nothing was changed on disk.</exception>
    /// <exception cref="InvalidInputException">There would be more than 999 files.</exception>
    public IReadOnlyList<string> SaveParts(string path, long largestBytes, Action<TensorOutput> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(largestBytes);
        var layout = new GgufLayout(_declared, _alignment, largestBytes, HeadBytes);
        string[] paths = PartPaths(path, largestBytes, layout.Parts);
        SaveFiles(paths, layout, write);
        return paths;
    }

    /// <summary>The files that <see cref="SaveParts"/> will write.</summary>
    /// <exception cref="InvalidInputException">There would be too many.</exception>
    internal string[] PartPaths(string path, long largestBytes) => PartPaths(path, largestBytes, new GgufLayout(_declared, _alignment, largestBytes, HeadBytes).Parts);

    private static string[] PartPaths(string path, long largestBytes, int count)
    {
        if (count > MostParts) throw new InvalidInputException($"{path}: {new ByteSize(largestBytes)} a file makes {count} files, where at most {MostParts} are allowed; allow larger ones");
        string stem = path.EndsWith(".gguf", StringComparison.Ordinal) ? path[..^".gguf".Length] : path;
        return count == 1 ? [path] : [.. Enumerable.Range(0, count).Select(i => GgufFile.PartName(stem, i, count))];
    }

    private void Set(string key, GgufType type, GgufEncoder value)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (key == GgufHeader.AlignmentKey) throw new ArgumentException("the alignment is set when the writer is made", nameof(key));
        (string, GgufType, byte[]) entry = (key, type, value.Bytes.ToArray());
        if (_entryNumbers.TryAdd(key, _entries.Count)) _entries.Add(entry);
        else _entries[_entryNumbers[key]] = entry;
    }

    private int HeadBytes(GgufLayout layout, int part) => Head(layout, part).Length;

    private byte[] Head(GgufLayout layout, int part)
    {
        var entries = new List<(string Key, GgufType Type, byte[] Value)>();
        if (_alignment != GgufHeader.DefaultAlignment) entries.Add((GgufHeader.AlignmentKey, GgufType.UInt32, new GgufEncoder().UInt32((uint)_alignment).Bytes.ToArray()));
        if (part == 0) entries.AddRange(_entries);
        if (layout.Parts > 1)
        {
            entries.Add((GgufFile.SplitNumber, GgufType.UInt16, BitConverter.GetBytes((ushort)part)));
            entries.Add((GgufFile.SplitCount, GgufType.UInt16, BitConverter.GetBytes((ushort)layout.Parts)));
            entries.Add((GgufFile.SplitTensors, GgufType.Int32, BitConverter.GetBytes(_declared.Count)));
        }

        var encoder = new GgufEncoder();
        ReadOnlySpan<StoredTensor> tensors = layout.TensorsOf(part);
        encoder.UInt32(GgufHeader.Magic).UInt32(GgufHeader.NewestVersion).UInt64((ulong)tensors.Length).UInt64((ulong)entries.Count);
        foreach ((string key, GgufType type, byte[] value) in entries) encoder.Text(key).UInt32((uint)type).Raw(value);
        foreach (StoredTensor tensor in tensors)
        {
            encoder.Text(tensor.Name).UInt32((uint)tensor.Shape.Rank);
            for (int i = tensor.Shape.Rank - 1; i >= 0; i--) encoder.UInt64((ulong)tensor.Shape[i]);
            encoder.UInt32(GgufTensorType.NumberOf(tensor.DType)).UInt64((ulong)(tensor.Offset - layout.DataStart(part)));
        }

        return encoder.Align(_alignment).Bytes.ToArray();
    }

    private void SaveFiles(string[] paths, GgufLayout layout, Action<TensorOutput> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var files = new FileStream[paths.Length];
        SavePart(0);

        // Each file is open inside the writing of the one before, so that none is in its place before all are complete.
        void SavePart(int part) => AtomicFile.Write(paths[part], file =>
        {
            files[part] = file;
            file.Write(Head(layout, part));
            if (part + 1 < paths.Length)
            {
                SavePart(part + 1);
            }
            else
            {
                var output = new TensorOutput(files, layout.Tensors, checksums: false);
                write(output);
                output.RequireComplete();
                for (int i = 0; i < files.Length; i++) files[i].SetLength(layout.FileBytes(i));
            }
        }, layout.FileBytes(part));
    }
}
