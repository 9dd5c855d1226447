using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Devices;

/// <summary>Walks programs of any size without their memory: what was reserved and run is counted, nothing is computed.</summary>
/// <param name="threads">What it says that it works with.</param>
public sealed class NullDevice(int threads = 1) : IDevice
{
    /// <inheritdoc/>
    public int Threads => threads;

    /// <inheritdoc/>
    public string Description => "null device";

    /// <summary>Bytes last reserved.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>Instructions run.</summary>
    public long Instructions { get; private set; }

    /// <inheritdoc/>
    public long WorkspaceBytes(Node node) => 0;

    /// <inheritdoc/>
    public StorageLayout LayoutOf(DType type) => StorageLayout.Rows;

    /// <inheritdoc/>
    public void Reserve(long bytes) => ReservedBytes = bytes;

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> source) => Check(offset, source.Length);

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> target)
    {
        Check(offset, target.Length);
        target.Clear();
    }

    /// <inheritdoc/>
    public void Run(Instruction instruction) => Instructions++;

    /// <inheritdoc/>
    public void Wait()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private void Check(long offset, long bytes)
    {
        if (offset < 0 || bytes > ReservedBytes - offset) throw new ArgumentOutOfRangeException(nameof(offset), $"{bytes} bytes at {offset} leave {ReservedBytes} bytes");
    }
}
