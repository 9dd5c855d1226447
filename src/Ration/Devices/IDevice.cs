using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Devices;

/// <summary>
/// Owns one block of memory and runs instructions on it. Addresses are offsets, and completion may be asynchronous: nothing above
/// this interface sees a pointer or relies on <see cref="Run"/> having finished.
/// </summary>
public interface IDevice : IDisposable
{
    /// <summary>For people, for example <c>CPU, 2 threads, AVX-512</c>.</summary>
    string Description { get; }

    /// <summary>Threads of this machine that it works with.</summary>
    int Threads => 1;

    /// <summary>Scratch that a node needs on this device. Answered without any memory, so that plans need none.</summary>
    /// <exception cref="NotSupportedException">The device has no kernel for the node.</exception>
    long WorkspaceBytes(Node node);

    /// <summary>In which order the rows of quantized weights should lie here. Answered without any memory.</summary>
    StorageLayout LayoutOf(DType type);

    /// <summary>Replaces the device's memory by a block of this size. Contents are undefined.</summary>
    void Reserve(long bytes);

    /// <summary>Copies into the device's memory, after all instructions before it.</summary>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Copies out of the device's memory, after all instructions before it.</summary>
    void Read(long offset, Span<byte> target);

    /// <summary>Runs or queues an instruction.</summary>
    void Run(Instruction instruction);

    /// <summary>Returns when everything queued is done.</summary>
    void Wait();
}
