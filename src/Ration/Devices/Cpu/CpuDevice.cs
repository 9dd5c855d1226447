using System.Runtime.Intrinsics;
using Ration.Devices.Cpu.Bindings;
using Ration.Devices.Cpu.MatrixProduct.Tiles;
using Ration.Graphs;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Devices.Cpu;

/// <summary>Runs instructions on this machine's cores. Threads start with the first instruction, memory with <see cref="Reserve"/>.</summary>
public sealed unsafe class CpuDevice : IDevice
{
    private const int MostThreads = 1024;

    private readonly KernelTable _kernels = CpuKernels.Table();
    private WorkerPool? _pool;
    private Arena? _arena;
    private bool _isDisposed;

    /// <summary>A device of so many threads.</summary>
    /// <param name="threads">At least 1; 0 for one a core.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative or more than 1,024.</exception>
    public CpuDevice(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, MostThreads);
        Threads = threads == 0 ? Math.Min(Environment.ProcessorCount, MostThreads) : threads;
    }

    /// <summary>How many cores are used.</summary>
    public int Threads { get; }

    /// <inheritdoc/>
    public string Description => $"CPU, {Threads} thread{(Threads == 1 ? "" : "s")}, {InstructionSet}";

    /// <summary>The widest vectors that kernels use here.</summary>
    public static string InstructionSet => Vector512.IsHardwareAccelerated ? "AVX-512" : Vector256.IsHardwareAccelerated ? "AVX2" : "scalar";

    /// <inheritdoc/>
    public long WorkspaceBytes(Node node) => _kernels.WorkspaceBytes(node, Threads);

    /// <inheritdoc/>
    public StorageLayout LayoutOf(DType type) => TileFormats.Supports(type) ? StorageLayout.Tiles : StorageLayout.Rows;

    /// <inheritdoc/>
    public void Reserve(long bytes)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        _arena?.Dispose();
        _arena = null;
        _arena = Arena.Reserve(bytes);
    }

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> source) => source.CopyTo(Reserved.View<byte>(offset, source.Length));

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> target) => Reserved.View<byte>(offset, target.Length).CopyTo(target);

    /// <inheritdoc/>
    public void Run(Instruction instruction)
    {
        byte* memory = Reserved.Pointer;
        _pool ??= new WorkerPool(Threads);
        KernelCall call = new(instruction, memory, _pool);
        _kernels[instruction.Node.Op](call);
    }

    /// <inheritdoc/>
    public void Wait()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pool?.Dispose();
        _arena?.Dispose();
        (_pool, _arena, _isDisposed) = (null, null, true);
    }

    private Arena Reserved
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _arena ?? throw new InvalidOperationException("the device has no memory yet; reserve some");
        }
    }
}
