using System.Diagnostics;
using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Devices;

/// <summary>What the instructions of one kind took.</summary>
/// <param name="Name">The op, and its pass.</param>
/// <param name="Count">Instructions run.</param>
/// <param name="Seconds">Their time.</param>
/// <param name="Flops">Floating-point operations of their matrix products.</param>
/// <param name="Bytes">Bytes they must move at the least.</param>
public sealed record OpTiming(string Name, long Count, double Seconds, double Flops, double Bytes);

/// <summary>Times each instruction of another device, by op. What runs is the same; untimed runs do without this.</summary>
public sealed class TimedDevice(IDevice inner) : IDevice
{
    private readonly Dictionary<(string Op, Pass Pass), (long Count, long Ticks, double Flops, double Bytes)> _timings = [];

    /// <inheritdoc/>
    public string Description => inner.Description;

    /// <inheritdoc/>
    public int Threads => inner.Threads;

    /// <summary>Told of each instruction that ran, with its time in seconds.</summary>
    public Action<Node, double>? Observer { get; init; }

    /// <summary>Times so far, longest first.</summary>
    public IReadOnlyList<OpTiming> Timings =>
        [.. _timings.Select(static t => new OpTiming(
            $"{t.Key.Op} ({t.Key.Pass})", t.Value.Count, Stopwatch.GetElapsedTime(0, t.Value.Ticks).TotalSeconds, t.Value.Flops, t.Value.Bytes))
            .OrderByDescending(static t => t.Seconds)];

    /// <summary>Forgets the times so far.</summary>
    public void Restart() => _timings.Clear();

    /// <inheritdoc/>
    public long WorkspaceBytes(Node node) => inner.WorkspaceBytes(node);

    /// <inheritdoc/>
    public StorageLayout LayoutOf(DType type) => inner.LayoutOf(type);

    /// <inheritdoc/>
    public void Reserve(long bytes) => inner.Reserve(bytes);

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> source) => inner.Write(offset, source);

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> target) => inner.Read(offset, target);

    /// <inheritdoc/>
    public void Run(Instruction instruction)
    {
        long start = Stopwatch.GetTimestamp();
        inner.Run(instruction);
        inner.Wait();
        long ticks = Stopwatch.GetTimestamp() - start;
        Node node = instruction.Node;
        Observer?.Invoke(node, Stopwatch.GetElapsedTime(0, ticks).TotalSeconds);
        OpCost cost = node.Op.Cost(node);
        (long Count, long Ticks, double Flops, double Bytes) sum = _timings.GetValueOrDefault((node.Op.Name, node.Pass));
        _timings[(node.Op.Name, node.Pass)] = (sum.Count + 1, sum.Ticks + ticks, sum.Flops + cost.Flops, sum.Bytes + cost.Bytes);
    }

    /// <inheritdoc/>
    public void Wait() => inner.Wait();

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}
