using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs;

/// <summary>
/// Traces a step into a graph: declares values, and appends a node for each operation. The operations themselves are extension
/// methods beside their definitions in <c>Ops/</c>.
/// </summary>
public sealed class GraphBuilder
{
    private readonly List<Node> _nodes = [];
    private readonly List<Value> _persistent = [];
    private readonly List<Value> _inputs = [];
    private readonly List<Value> _outputs = [];
    private readonly Dictionary<string, Value> _names = [];
    private readonly Stack<string> _scopes = new();
    private NodeCondition? _condition;
    private int _nextId;

    /// <summary>The block that new nodes belong to, or −1.</summary>
    public int Block { get; set; } = -1;

    /// <summary>The pass that new nodes belong to.</summary>
    public Pass Pass { get; set; } = Pass.Forward;

    /// <summary>The phase in which new nodes run.</summary>
    public Phase Phase { get; set; } = Phase.Repeat;

    /// <summary>The backward pass that new nodes belong to, where there are several: from 0.</summary>
    public int Sweep { get; set; }

    /// <summary>Nodes so far.</summary>
    public IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>Persistent values so far.</summary>
    public IReadOnlyList<Value> Persistent => _persistent;

    /// <summary>A model weight.</summary>
    /// <exception cref="GraphException">The name is taken.</exception>
    public Value Parameter(string name, Shape shape, DType type = DType.F32, bool trainable = true, StorageLayout layout = StorageLayout.Rows, BlockPart? block = null)
    {
        if (block is { } part) Blocks = Math.Max(Blocks, part.Number + 1);
        return Declare(_persistent, new Value(_nextId, name, shape, type, MemoryKind.Weights, ValueRole.Persistent, trainable, layout) { Block = block });
    }

    /// <summary>How many blocks the parameters so far are of.</summary>
    public int Blocks { get; private set; }

    /// <summary>Memory that outlives the step and is not a weight: optimizer state, accumulated gradients, a cache.</summary>
    /// <exception cref="GraphException">The name is taken.</exception>
    public Value State(string name, Shape shape, MemoryKind kind, DType type = DType.F32, bool isNonNegative = false) =>
        Declare(_persistent, new Value(_nextId, name, shape, type, kind, ValueRole.Persistent) { IsNonNegative = isNonNegative });

    /// <summary>As <see cref="State"/>, declared on first use: what is never updated in the same step may share it.</summary>
    /// <exception cref="GraphException">The name is that of something of another shape or type.</exception>
    public Value SharedState(string name, Shape shape, MemoryKind kind, DType type = DType.F32, bool isNonNegative = false)
    {
        if (!_names.TryGetValue(name, out Value? known)) return State(name, shape, kind, type, isNonNegative);
        return known is { Role: ValueRole.Persistent } && (known.Shape, known.Kind, known.DType) == (shape, kind, type)
            ? known : throw new GraphException($"{known} cannot be shared as {type}{shape}");
    }

    /// <summary>A value that the host writes before the nodes run.</summary>
    /// <exception cref="GraphException">The name is taken.</exception>
    public Value Input(string name, Shape shape, DType type = DType.F32) =>
        Declare(_inputs, new Value(_nextId, name, shape, type, MemoryKind.Inputs, ValueRole.Input));

    /// <summary>Keeps a computed value to the end of its phase, for the host to read.</summary>
    public void Output(Value value) => _outputs.Add(value);

    /// <summary>Names the part of the model that is being built, until disposed.</summary>
    public IDisposable Scope(string name)
    {
        _scopes.Push(_scopes.TryPeek(out string? outer) ? $"{outer}.{name}" : name);
        return new ScopeEnd(this, Block);
    }

    /// <summary>
    /// New nodes run only in steps in which a scalar is not zero, until the result is disposed. Within another condition, both must hold.
    /// </summary>
    /// <param name="scalar">An F32 scalar that the host writes or that is state.</param>
    /// <param name="share">In which share of the steps that is so, about; within another condition, of the steps in which that one holds.</param>
    /// <param name="range">The numbers that the scalar must be among instead.</param>
    public IDisposable When(Value scalar, double share, NumberRange? range = null)
    {
        NodeCondition? outer = _condition;
        _condition = new NodeCondition(scalar, share * (outer?.Share ?? 1)) { Range = range, Outer = outer };
        return new ConditionEnd(this, outer);
    }

    /// <summary>Appends a node and returns its outputs.</summary>
    /// <param name="op">What to compute.</param>
    /// <param name="name">Name of the first output; others get a number.</param>
    /// <param name="kind">What the outputs' bytes are for.</param>
    /// <param name="inputs">Values to read.</param>
    /// <exception cref="GraphException">The inputs do not fit the op.</exception>
    public IReadOnlyList<Value> Emit(Op op, string name, MemoryKind kind, params IReadOnlyList<Value> inputs) => EmitTyped(op, inputs, (name, kind));

    /// <summary>As <see cref="Emit"/>, with a name and a kind for each output; outputs beyond the list take the last entry, numbered.</summary>
    public IReadOnlyList<Value> EmitTyped(Op op, IReadOnlyList<Value> inputs, params ReadOnlySpan<(string Name, MemoryKind Kind)> results)
    {
        TensorType[] types = op.InferOutputs(inputs);
        var outputs = new Value[types.Length];
        for (int i = 0; i < types.Length; i++)
        {
            (string name, MemoryKind kind) = results[Math.Min(i, results.Length - 1)];
            string numbered = i < results.Length ? name : $"{name}.{i}";
            outputs[i] = new Value(_nextId++, numbered, types[i].Shape, types[i].DType, kind, ValueRole.Computed, Layout: types[i].Layout);
        }

        _nodes.Add(new Node(op, inputs, outputs, _scopes.TryPeek(out string? scope) ? scope : "", Block, Pass, Phase) { Condition = _condition, Sweep = Sweep });
        return outputs;
    }

    /// <summary>The graph built so far.</summary>
    public Graph Build(int repetitions = 1) => new([.. _nodes], [.. _persistent], [.. _inputs], [.. _outputs], _nextId) { Repetitions = repetitions };

    /// <summary>New nodes take scope and block from <paramref name="origin"/>, until the result is disposed.</summary>
    internal IDisposable At(Node origin)
    {
        ScopeEnd end = new(this, Block);
        _scopes.Push(origin.Scope);
        Block = origin.Block;
        return end;
    }

    private Value Declare(List<Value> values, Value value)
    {
        if (!_names.TryAdd(value.Name, value)) throw new GraphException($"there are two values named {value.Name}");
        values.Add(value);
        _nextId++;
        return value;
    }

    private sealed class ConditionEnd(GraphBuilder builder, NodeCondition? outer) : IDisposable
    {
        public void Dispose() => builder._condition = outer;
    }

    private sealed class ScopeEnd(GraphBuilder builder, int block) : IDisposable
    {
        public void Dispose()
        {
            builder._scopes.Pop();
            builder.Block = block;
        }
    }
}
