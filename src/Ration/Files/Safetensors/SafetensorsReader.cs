using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Ration.Memory;

namespace Ration.Files.Safetensors;

/// <summary>
/// A safetensors file, open for reading. Opening reads and checks the whole header, so that every tensor listed is known to lie inside the
/// file; tensor bytes go straight into the caller's memory. Reads may run on several threads at once.
/// </summary>
public sealed unsafe class SafetensorsReader : ITensorSource
{
    private readonly SafeFileHandle _handle;
    private readonly SafetensorsHeader _header;

    private SafetensorsReader(string path, SafeFileHandle handle, SafetensorsHeader header)
    {
        Path = path;
        _handle = handle;
        _header = header;
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>All tensors in the order of their bytes.</summary>
    public IReadOnlyList<StoredTensor> Tensors => _header.Tensors;

    /// <summary>The file's text entries, checksums among them.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="FileFormatException">The header is damaged, or names tensors that are not in the file or not of a known
    /// type.</exception>
    /// <exception cref="InvalidInputException">The file is missing, empty or may not be read.</exception>
    public static SafetensorsReader Open(string path)
    {
        SafeFileHandle handle = InputFile.Open(path, out long length);
        try
        {
            return new SafetensorsReader(path, handle, ReadHeader(path, handle, length));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public StoredTensor? Find(string name) => _header.ByName.GetValueOrDefault(name);

    /// <summary>Whether the file has a tensor of this name.</summary>
    public bool Contains(string name) => _header.ByName.ContainsKey(name);

    /// <summary>Overwrites <paramref name="destination"/>, which has exactly the tensor's bytes.</summary>
    /// <exception cref="FileFormatException">The file has no such tensor or was cut short since it was opened.</exception>
    public void Read(string name, Span<byte> destination)
    {
        fixed (byte* pointer = destination) Read(this.Require(name), pointer, destination.Length);
    }

    /// <summary>Overwrites <paramref name="bytes"/> bytes, which is exactly the tensor's size.</summary>
    /// <exception cref="FileFormatException">The file was cut short since it was opened.</exception>
    public void Read(StoredTensor tensor, byte* destination, long bytes)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (bytes != tensor.Bytes)
            throw new ArgumentException($"tensor {tensor.Name} has {tensor.Bytes} bytes, the destination {bytes}", nameof(bytes));
        for (long done = 0; done < bytes; done += SafetensorsFormat.PieceBytes)
        {
            int piece = (int)Math.Min(SafetensorsFormat.PieceBytes, bytes - done);
            Read(tensor, done, new Span<byte>(destination + done, piece));
        }
    }

    /// <inheritdoc/>
    public void Read(StoredTensor tensor, long start, Span<byte> destination)
    {
        TensorSources.RequireWithin(tensor, start, destination.Length);
        InputFile.ReadExactly(_handle, Path, tensor.Offset + start, destination);
    }

    /// <summary>
    /// Reads every tensor and compares it with the CRC-32C in the metadata. A file with a checksum for one tensor must have one for all.
    /// </summary>
    /// <returns>How many tensors were compared: all, or none where the file has no checksums.</returns>
    /// <exception cref="FileFormatException">A tensor differs from its checksum, or some have none.</exception>
    public int Verify(CancellationToken cancellation = default)
    {
        int known = Tensors.Count(t => Metadata.ContainsKey(SafetensorsFormat.ChecksumKey(t.Name)));
        if (known == 0) return 0;
        using var piece = Arena.Reserve(SafetensorsFormat.PieceBytes);
        foreach (StoredTensor tensor in Tensors)
        {
            if (!Metadata.TryGetValue(SafetensorsFormat.ChecksumKey(tensor.Name), out string? expected))
                throw new FileFormatException(Path,
                    $"tensor {InvalidInputException.Quote(tensor.Name)} has no checksum although others have",
                    "another tool changed the file; take an earlier one");
            Checksum actual = default;
            for (long offset = 0; offset < tensor.Bytes; offset += SafetensorsFormat.PieceBytes)
            {
                cancellation.ThrowIfCancellationRequested();
                Span<byte> bytes = piece.View<byte>(0, (int)Math.Min(SafetensorsFormat.PieceBytes, tensor.Bytes - offset));
                Read(tensor, offset, bytes);
                actual.Append(bytes);
            }

            if (!string.Equals(actual.ToString(), expected, StringComparison.Ordinal))
                throw new FileFormatException(Path,
                    $"the bytes of tensor {InvalidInputException.Quote(tensor.Name)} do not match their checksum",
                    "the file is damaged; take an earlier checkpoint or download it again");
        }

        return known;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static SafetensorsHeader ReadHeader(string path, SafeFileHandle handle, long length)
    {
        const string NotSafetensors = "it is not a safetensors file or was cut short; check which file this is";
        if (length < SafetensorsFormat.PrefixBytes + 2)
            throw new FileFormatException(path, $"the file has only {length} bytes", NotSafetensors);
        Span<byte> prefix = stackalloc byte[SafetensorsFormat.PrefixBytes + 1];
        InputFile.ReadExactly(handle, path, 0, prefix);
        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerBytes > (ulong)(length - SafetensorsFormat.PrefixBytes))
            throw new FileFormatException(path, $"the header claims {headerBytes} bytes in a file of {length}", NotSafetensors);
        if (headerBytes is < 2 or > SafetensorsFormat.HeaderLimit)
            throw new FileFormatException(path,
                $"the header claims {headerBytes} bytes, where 2 to {SafetensorsFormat.HeaderLimit} are allowed", NotSafetensors);
        if (prefix[^1] != '{') throw new FileFormatException(path, "the header does not begin with '{'", NotSafetensors);

        // Outside the managed heap, so that a large header does not stay there after it is parsed.
        byte* json = (byte*)NativeAllocator.Allocate((nuint)headerBytes, sizeof(ulong));
        try
        {
            var header = new Span<byte>(json, (int)headerBytes);
            InputFile.ReadExactly(handle, path, SafetensorsFormat.PrefixBytes, header);
            return SafetensorsHeader.Parse(path, header, length);
        }
        finally
        {
            NativeAllocator.Free(json);
        }
    }
}
