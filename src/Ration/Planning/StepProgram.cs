using Ration.Devices;
using Ration.Graphs;
using Ration.Memory;

namespace Ration.Planning;

/// <summary>Where persistent values lie: shared by all programs of a run, so that training, evaluation and generation see one set of weights.</summary>
public sealed class PersistentLayout
{
    private readonly Dictionary<string, (Value Value, long Offset)> _values = [];

    /// <summary>The end of the last value.</summary>
    public long Bytes { get; private set; }

    /// <summary>All values with their offsets, in order.</summary>
    public IEnumerable<(Value Value, long Offset)> Values => _values.Values;

    /// <summary>A layout of a graph's persistent values.</summary>
    public static PersistentLayout Of(Graph graph)
    {
        PersistentLayout layout = new();
        foreach (Value value in graph.Persistent)
        {
            layout._values.Add(value.Name, (value, layout.Bytes));
            layout.Bytes = ByteSize.AlignUp(layout.Bytes + value.Bytes, Placement.Alignment);
        }

        return layout;
    }

    /// <summary>The offset of a value, by name.</summary>
    /// <exception cref="GraphException">There is none, or it has another type.</exception>
    public long OffsetOf(Value value) =>
        _values.TryGetValue(value.Name, out (Value Value, long Offset) entry) && entry.Value.Shape == value.Shape && entry.Value.DType == value.DType
            ? entry.Offset
            : throw new GraphException($"the layout has no {value.Name} {value.DType}{value.Shape}");
}

/// <summary>
/// A step, placed: a straight line of instructions whose every byte has its offset. Immutable. It can be made for a model of any size,
/// because it holds no tensor.
/// </summary>
public sealed class StepProgram
{
    private readonly Dictionary<string, (Value Value, long Offset)> _named = [];
    private readonly Buffers _buffers;
    private readonly long[] _offsets;

    private StepProgram(Graph graph, PersistentLayout layout, Buffers buffers, Placement placement)
    {
        (Graph, Layout, TransientBytes, LowerBoundBytes) = (graph, layout, placement.Bytes, placement.LowerBound);
        (_buffers, _offsets) = (buffers, placement.Offsets);
        Value[] persistent = [.. graph.Persistent];
        long OffsetOf(Value value) => buffers[value] is var b && b >= 0 ? layout.Bytes + placement.Offsets[b] : layout.OffsetOf(persistent[-1 - b]);
        var instructions = new Instruction[graph.Nodes.Count];
        for (int i = 0; i < instructions.Length; i++)
        {
            Node node = graph.Nodes[i];
            int workspace = buffers.WorkspaceOf[i];
            instructions[i] = new Instruction(
                node, [.. node.Inputs.Select(OffsetOf)], [.. node.Outputs.Select(OffsetOf)],
                workspace < 0 ? 0 : layout.Bytes + placement.Offsets[workspace], workspace < 0 ? 0 : buffers.Transient[workspace].Bytes)
            {
                Conditions = node.Condition is { } condition ? [.. condition.All.Select(c => (OffsetOf(c.Scalar), c.Range))] : [],
            };
        }

        Instructions = instructions;
        foreach (Value value in graph.Inputs.Concat(graph.Outputs)) _named[value.Name] = (value, OffsetOf(value));
        Timeline = MemoryTimeline.Of(graph, buffers);
    }

    /// <summary>What was compiled.</summary>
    public Graph Graph { get; }

    /// <summary>Where persistent values lie.</summary>
    public PersistentLayout Layout { get; }

    /// <summary>The straight line.</summary>
    public IReadOnlyList<Instruction> Instructions { get; }

    /// <summary>Bytes of everything that lives within the step.</summary>
    public long TransientBytes { get; }

    /// <summary>The most transient bytes that are occupied at once.</summary>
    public long LowerBoundBytes { get; }

    /// <summary>The whole arena.</summary>
    public long ArenaBytes => Layout.Bytes + TransientBytes;

    /// <summary>Occupied bytes by kind during each instruction.</summary>
    public MemoryTimeline Timeline { get; }

    /// <summary>Share of the transient bytes that is lost between buffers: 0 is perfect.</summary>
    public double Fragmentation => LowerBoundBytes == 0 ? 0 : ((double)TransientBytes / LowerBoundBytes) - 1;

    /// <summary>
    /// Everything that occupies memory during an instruction, each with the value that it holds then. The bytes of a kind add up to
    /// what <see cref="Timeline"/> says.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such instruction.</exception>
    public IReadOnlyList<LiveBuffer> AliveAt(int instruction)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(instruction);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(instruction, Graph.Nodes.Count);
        return LiveBuffer.At(instruction, Graph, Layout, _buffers, _offsets);
    }

    /// <summary>Assigns buffers and offsets to a graph.</summary>
    /// <param name="graph">A lawful graph.</param>
    /// <param name="device">Asked for the scratch of each node.</param>
    /// <param name="layout">A layout to share, or null for a new one.</param>
    /// <param name="reuse">Whether results may overwrite dead inputs.</param>
    /// <exception cref="GraphException">The graph breaks a law.</exception>
    public static StepProgram Compile(Graph graph, IDevice device, PersistentLayout? layout = null, bool reuse = true)
    {
        GraphLaws.Check(graph);
        Buffers buffers = Buffers.Assign(graph, device.WorkspaceBytes, reuse);
        return new StepProgram(graph, layout ?? PersistentLayout.Of(graph), buffers, Placement.Of(buffers.Transient));
    }

    /// <summary>The least arena that any placement of the graph could use: quick to compute, for leaving out hopeless plans.</summary>
    public static long LowerBound(Graph graph, IDevice device)
    {
        Buffers buffers = Buffers.Assign(graph, device.WorkspaceBytes);
        return PersistentLayout.Of(graph).Bytes + Placement.LiveBytes(buffers.Transient).DefaultIfEmpty(0).Max();
    }

    /// <summary>The offset of an input or output, by name.</summary>
    /// <exception cref="GraphException">There is none.</exception>
    public long OffsetOf(string name) => Named(name).Offset;

    /// <summary>The offset of some bytes of an input or output.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="start">The first of the bytes, from the beginning of the value.</param>
    /// <param name="bytes">How many.</param>
    /// <exception cref="GraphException">There is none of this name.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The bytes are not all its own.</exception>
    public long OffsetOf(string name, long start, long bytes)
    {
        (Value value, long offset) = Named(name);
        if (start < 0 || bytes < 0 || bytes > value.Bytes - start) throw new ArgumentOutOfRangeException(nameof(start), $"{bytes} bytes at {start} leave {value}");
        return offset + start;
    }

    /// <summary>Whether the program has an input or output of this name.</summary>
    public bool Has(string name) => _named.ContainsKey(name);

    private (Value Value, long Offset) Named(string name) =>
        _named.TryGetValue(name, out (Value Value, long Offset) entry) ? entry : throw new GraphException($"the program has no input or output {name}");
}
