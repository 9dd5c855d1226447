using Ration.Graphs;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Planning.Passes;

/// <summary>A graph that is being rewritten: nodes in their new order, and values that are new.</summary>
internal sealed class GraphEditor
{
    /// <summary>The input that decides random numbers: the seed and the number of the micro-batch's first row in the run.</summary>
    public const string RandomKeyName = "randomKey";

    private readonly Graph _graph;
    private readonly List<Value> _persistent;
    private readonly List<Value> _inputs;
    private int _nextValueId;

    /// <summary>Starts with the values of a graph and none of its nodes.</summary>
    public GraphEditor(Graph graph) =>
        (_graph, _persistent, _inputs, _nextValueId) = (graph, [.. graph.Persistent], [.. graph.Inputs], graph.NextValueId);

    /// <summary>The nodes so far.</summary>
    public List<Node> Nodes { get; } = [];

    /// <summary>The graph as it was.</summary>
    public Graph Source => _graph;

    /// <summary>I64 [2]: see <see cref="RandomKeyName"/>; declared where the graph has none yet.</summary>
    public Value RandomKey => _inputs.Find(static v => v.Name == RandomKeyName) ?? Input(RandomKeyName, new Shape(2), DType.I64);

    /// <summary>Appends a node in the place of another: its scope, block, phase and sweep.</summary>
    /// <param name="op">What to compute.</param>
    /// <param name="inputs">Values to read.</param>
    /// <param name="at">The node whose place is taken.</param>
    /// <param name="pass">The pass that the new node belongs to.</param>
    /// <param name="results">Name and kind of each output; outputs beyond the list take the last.</param>
    public IReadOnlyList<Value> Emit(Op op, IReadOnlyList<Value> inputs, Node at, Pass pass, params ReadOnlySpan<(string Name, MemoryKind Kind)> results)
    {
        TensorType[] types = op.InferOutputs(inputs);
        var outputs = new Value[types.Length];
        for (int i = 0; i < types.Length; i++)
        {
            (string name, MemoryKind kind) = results[Math.Min(i, results.Length - 1)];
            outputs[i] = Computed(i < results.Length ? name : $"{name}.{i}", types[i], kind);
        }

        Nodes.Add(new Node(op, inputs, outputs, at.Scope, at.Block, pass, at.Phase) { Sweep = at.Sweep });
        return outputs;
    }

    /// <summary>A new value, for a node that the caller appends.</summary>
    public Value Computed(string name, TensorType type, MemoryKind kind) => new(_nextValueId++, name, type.Shape, type.DType, kind, ValueRole.Computed, Layout: type.Layout);

    /// <summary>Memory that outlives the step and starts at zero; a number is added to its name where that is taken.</summary>
    public Value State(string name, Shape shape, MemoryKind kind)
    {
        string unique = name;
        for (int i = 2; _persistent.Exists(v => v.Name == unique); i++) unique = $"{name}.{i}";
        Value value = new(_nextValueId++, unique, shape, DType.F32, kind, ValueRole.Persistent);
        _persistent.Add(value);
        return value;
    }

    /// <summary>The rewritten graph.</summary>
    public Graph Build() => _graph with { Nodes = [.. Nodes], Persistent = _persistent, Inputs = _inputs, NextValueId = _nextValueId };

    private Value Input(string name, Shape shape, DType type)
    {
        Value value = new(_nextValueId++, name, shape, type, MemoryKind.Inputs, ValueRole.Input);
        _inputs.Add(value);
        return value;
    }
}
