namespace Ration.Files.Safetensors;

/// <summary>One safetensors file as a source of tensors.</summary>
internal sealed class SafetensorsSource(SafetensorsReader reader) : ITensorSource
{
    private readonly Dictionary<string, SafetensorsTensor> _own = reader.Tensors.ToDictionary(static t => t.Name, StringComparer.Ordinal);
    private readonly Dictionary<string, StoredTensor> _tensors = reader.Tensors.ToDictionary(static t => t.Name, static t => new StoredTensor(t.Name, t.DType, t.Shape, 0, t.Offset, t.Bytes), StringComparer.Ordinal);

    public string Path => reader.Path;

    public IReadOnlyList<StoredTensor> Tensors => [.. _tensors.Values];

    public StoredTensor? Find(string name) => _tensors.GetValueOrDefault(name);

    public void Read(StoredTensor tensor, long start, Span<byte> destination) => reader.Read(_own[tensor.Name], start, destination);

    public void Verify() => _ = reader.Verify();

    public void Dispose() => reader.Dispose();
}
