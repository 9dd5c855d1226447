using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Planning;

/// <summary>Bytes that hold one value, or several whose lives follow each other in place.</summary>
/// <param name="Bytes">The size.</param>
/// <param name="First">Number of the first node during which the bytes are occupied.</param>
/// <param name="Last">Number of the last such node, inclusive.</param>
/// <param name="Kind">What they are for.</param>
public readonly record struct Buffer(long Bytes, int First, int Last, MemoryKind Kind)
{
    /// <summary>Whether both are occupied at some time.</summary>
    public bool Overlaps(Buffer other) => First <= other.Last && other.First <= Last;
}

/// <summary>Which buffer each value of a graph lives in, decided by lifetimes: results overwrite inputs that nobody reads again.</summary>
public sealed class Buffers
{
    private readonly int[] _bufferOf;
    private readonly List<Buffer> _transient = [];
    private readonly HashSet<int> _kept;

    private Buffers(Graph graph)
    {
        _kept = [.. graph.Outputs.Select(static v => v.Id)];
        _bufferOf = new int[graph.NextValueId];
        Array.Fill(_bufferOf, int.MaxValue);
    }

    /// <summary>Buffers that live within a step, workspaces last.</summary>
    public IReadOnlyList<Buffer> Transient => _transient;

    /// <summary>For each node, the number of its workspace buffer, or −1.</summary>
    public int[] WorkspaceOf { get; private set; } = [];

    /// <summary>Number of the transient buffer of a value, or −1 − the index of the persistent value whose bytes it shares.</summary>
    public int this[Value value] => _bufferOf[value.Id];

    /// <summary>Assigns buffers.</summary>
    /// <param name="graph">A lawful graph.</param>
    /// <param name="workspaceBytes">Scratch of each node.</param>
    /// <param name="reuse">Whether results may overwrite dead inputs. Sums into persistent gradients and additions to caches are in place regardless.</param>
    public static Buffers Assign(Graph graph, Func<Node, long> workspaceBytes, bool reuse = true)
    {
        Buffers buffers = new(graph);
        for (int i = 0; i < graph.Persistent.Count; i++) buffers._bufferOf[graph.Persistent[i].Id] = -1 - i;
        int end = Math.Max(0, graph.Nodes.Count - 1);
        foreach (Value input in graph.Inputs) buffers.Add(input, 0, end);
        int[] lastUse = LastUses(graph);
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            Node node = graph.Nodes[i];
            for (int output = 0; output < node.Outputs.Count; output++)
            {
                Value value = node.Outputs[output];
                int last = Math.Max(i, lastUse[value.Id]);
                int shared = buffers.Shared(node, output, i, lastUse, reuse);
                if (shared == int.MaxValue) buffers.Add(value, i, last);
                else buffers.Extend(value, shared, last);
            }
        }

        buffers.AddWorkspaces(graph, workspaceBytes);
        return buffers;
    }

    private static int[] LastUses(Graph graph)
    {
        int[] last = new int[graph.NextValueId];
        Dictionary<Phase, int> phaseEnd = [];
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            foreach (Value input in graph.Nodes[i].Inputs) last[input.Id] = i;
            phaseEnd[graph.Nodes[i].Phase] = i;
        }

        Node?[] definitions = graph.Definitions();
        foreach (Value output in graph.Outputs)
        {
            if (definitions[output.Id] is { } node) last[output.Id] = phaseEnd[node.Phase];
        }

        return last;
    }

    private int Shared(Node node, int output, int at, int[] lastUse, bool reuse)
    {
        foreach (SharedBuffer pair in node.Op.ShareableBuffers(node))
        {
            if (pair.Output != output) continue;
            Value input = node.Inputs[pair.Input];
            int buffer = _bufferOf[input.Id];
            if (buffer < 0)
            {
                if (input.Kind is MemoryKind.Gradients or MemoryKind.KvCache) return buffer;
                continue;
            }

            if (!reuse || input.Role != ValueRole.Computed || _kept.Contains(input.Id) || lastUse[input.Id] != at || input.Bytes != node.Outputs[output].Bytes) continue;
            if (node.Inputs.Count(v => v.Id == input.Id) > 1 || node.Outputs.Take(output).Any(v => _bufferOf[v.Id] == buffer)) continue;
            return buffer;
        }

        return int.MaxValue;
    }

    private void Add(Value value, int first, int last)
    {
        _bufferOf[value.Id] = _transient.Count;
        _transient.Add(new Buffer(value.Bytes, first, last, value.Kind));
    }

    private void Extend(Value value, int buffer, int last)
    {
        _bufferOf[value.Id] = buffer;
        if (buffer >= 0) _transient[buffer] = _transient[buffer] with { Last = Math.Max(last, _transient[buffer].Last) };
    }

    private void AddWorkspaces(Graph graph, Func<Node, long> workspaceBytes)
    {
        WorkspaceOf = new int[graph.Nodes.Count];
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            long bytes = graph.Nodes[i].Op is ReadWeight ? 0 : workspaceBytes(graph.Nodes[i]);
            WorkspaceOf[i] = bytes > 0 ? _transient.Count : -1;
            if (bytes > 0) _transient.Add(new Buffer(bytes, i, i, MemoryKind.Workspace));
        }
    }
}
