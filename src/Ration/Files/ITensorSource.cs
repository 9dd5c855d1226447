using Ration.Tensors;

namespace Ration.Files;

/// <summary>Where one tensor of a file lies.</summary>
/// <param name="Name">Its name, unique in its source.</param>
/// <param name="DType">How its elements are stored, little-endian.</param>
/// <param name="Shape">Its sizes, outermost first.</param>
/// <param name="File">Which file of a source in several, from 0.</param>
/// <param name="Offset">Its first byte, counted from the start of that file.</param>
/// <param name="Bytes">Its size.</param>
public sealed record StoredTensor(string Name, DType DType, Shape Shape, int File, long Offset, long Bytes);

/// <summary>Tensors by name, in one file or in several. Everything was checked when it was opened: each tensor lies within its file.</summary>
public interface ITensorSource : IDisposable
{
    /// <summary>The file or folder, for messages.</summary>
    string Path { get; }

    /// <summary>All tensors, in the order of the source.</summary>
    IReadOnlyList<StoredTensor> Tensors { get; }

    /// <summary>The tensor of a name, or null.</summary>
    StoredTensor? Find(string name);

    /// <summary>Fills <paramref name="destination"/> with bytes of a tensor, from byte <paramref name="start"/> of it.</summary>
    /// <exception cref="FileFormatException">The file was cut short since it was opened.</exception>
    void Read(StoredTensor tensor, long start, Span<byte> destination);

    /// <summary>Compares the tensors with their checksums, in files that have such.</summary>
    /// <returns>How many tensors were compared.</returns>
    /// <exception cref="FileFormatException">A tensor differs from its checksum, or some of a file have none.</exception>
    int Verify(CancellationToken cancellation = default) => 0;
}
