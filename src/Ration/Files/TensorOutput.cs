namespace Ration.Files;

/// <summary>Takes the bytes of declared tensors while a writer saves them to one file or several.</summary>
public sealed unsafe class TensorOutput
{
    private const int PieceBytes = 64 << 10;
    private readonly FileStream[] _files;
    private readonly StoredTensor[] _tensors;
    private readonly Dictionary<string, int> _index;
    private readonly long[] _written;
    private readonly Checksum[]? _checksums;

    internal TensorOutput(FileStream[] files, StoredTensor[] tensors, bool checksums)
    {
        _files = files;
        _tensors = tensors;
        _index = new Dictionary<string, int>(tensors.Length, StringComparer.Ordinal);
        for (int i = 0; i < tensors.Length; i++) _index.Add(tensors[i].Name, i);
        _written = new long[tensors.Length];
        _checksums = checksums ? new Checksum[tensors.Length] : null;
    }

    /// <summary>The declared tensors in the order of the file, which is the fastest order to write them in.</summary>
    public IReadOnlyList<StoredTensor> Tensors => _tensors;

    /// <summary>Appends little-endian bytes to a tensor.</summary>
    /// <exception cref="ArgumentException">The tensor was not declared, or has no room for that many.</exception>
    public void Write(string name, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* pointer = bytes) Write(name, pointer, bytes.Length);
    }

    /// <summary>Appends <paramref name="bytes"/> little-endian bytes to a tensor, in bounded pieces.</summary>
    /// <exception cref="ArgumentException">The tensor was not declared, or has no room for that many.</exception>
    public void Write(string name, byte* source, long bytes)
    {
        if (!_index.TryGetValue(name, out int i)) throw new ArgumentException($"tensor {name} was not declared", nameof(name));
        StoredTensor tensor = _tensors[i];
        if (bytes < 0 || bytes > tensor.Bytes - _written[i])
            throw new ArgumentException($"tensor {name} has room for {tensor.Bytes - _written[i]} more bytes, not {bytes}", nameof(bytes));
        FileStream file = _files[tensor.File];
        file.Position = tensor.Offset + _written[i];
        for (long done = 0; done < bytes; done += PieceBytes)
        {
            var piece = new ReadOnlySpan<byte>(source + done, (int)Math.Min(PieceBytes, bytes - done));
            if (_checksums is not null) _checksums[i].Append(piece);
            file.Write(piece);
            _written[i] += piece.Length;
        }
    }

    internal Checksum ChecksumOf(int tensor) => _checksums is null ? default : _checksums[tensor];

    internal void RequireComplete()
    {
        for (int i = 0; i < _tensors.Length; i++)
        {
            if (_written[i] != _tensors[i].Bytes)
                throw new InvalidOperationException($"tensor {_tensors[i].Name} got {_written[i]} of its {_tensors[i].Bytes} bytes");
        }
    }
}
