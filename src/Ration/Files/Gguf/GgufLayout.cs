using Ration.Memory;
using Ration.Tensors;

namespace Ration.Files.Gguf;

/// <summary>Where the tensors of a file to be written lie, and in which of its parts.</summary>
internal sealed class GgufLayout
{
    private readonly List<int> _firsts = [];
    private readonly long[] _dataStarts;
    private readonly long[] _fileBytes;

    /// <summary>Lays tensors out in their order.</summary>
    /// <param name="declared">The tensors.</param>
    /// <param name="alignment">Each begins at a multiple of this.</param>
    /// <param name="largestBytes">Most bytes of tensors in a part that has several.</param>
    /// <param name="headBytes">The aligned size of a part's head, which does not depend on offsets.</param>
    public GgufLayout(IReadOnlyList<(string Name, DType DType, Shape Shape)> declared, int alignment, long largestBytes, Func<GgufLayout, int, int> headBytes)
    {
        Tensors = new StoredTensor[declared.Count];
        _firsts.Add(0);
        long offset = 0;
        for (int i = 0; i < declared.Count; i++)
        {
            (string name, DType type, Shape shape) = declared[i];
            long bytes = type.Bytes(shape), padded = ByteSize.AlignUp(bytes, alignment);
            if (i > _firsts[^1] && padded > largestBytes - offset)
            {
                _firsts.Add(i);
                offset = 0;
            }

            Tensors[i] = new StoredTensor(name, type, shape, _firsts.Count - 1, offset, bytes);
            offset = checked(offset + padded);
        }

        _dataStarts = new long[Parts];
        _fileBytes = new long[Parts];
        for (int part = 0; part < Parts; part++)
        {
            long head = headBytes(this, part), end = 0;
            foreach (ref StoredTensor tensor in Tensors.AsSpan(First(part)..First(part + 1)))
            {
                end = ByteSize.AlignUp(tensor.Offset + tensor.Bytes, alignment);
                tensor = tensor with { Offset = head + tensor.Offset };
            }

            _dataStarts[part] = head;
            _fileBytes[part] = checked(head + end);
        }
    }

    /// <summary>All tensors, in the order of the files.</summary>
    public StoredTensor[] Tensors { get; }

    /// <summary>How many files there are; at least one.</summary>
    public int Parts => _firsts.Count;

    /// <summary>The tensors of one file.</summary>
    public ReadOnlySpan<StoredTensor> TensorsOf(int part) => Tensors.AsSpan(First(part)..First(part + 1));

    /// <summary>The first byte of the data of one file.</summary>
    public long DataStart(int part) => _dataStarts[part];

    /// <summary>The size of one file.</summary>
    public long FileBytes(int part) => _fileBytes[part];

    private int First(int part) => part < Parts ? _firsts[part] : Tensors.Length;
}
