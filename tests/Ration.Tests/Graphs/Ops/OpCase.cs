using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;
using Ration.Tests.Graphs.Reference;

namespace Ration.Tests.Graphs.Ops;

/// <summary>An op on some shapes, declared once; every mode of the tests builds its graph from this.</summary>
/// <param name="Name">Unique, for people.</param>
/// <param name="Build">Declares data, emits the op, names the results.</param>
internal sealed record OpCase(string Name, Action<OpCaseBuilder> Build)
{
    /// <summary>Whether the inputs may have no second use.</summary>
    public bool Once { get; init; }

    /// <summary>Whether central differences say anything: not where results are rounded to a coarse type.</summary>
    public bool IsSmooth { get; init; } = true;

    /// <summary>The greatest difference between a device and the definition, as a share of the tensor's greatest element.</summary>
    public double Tolerance { get; init; } = 1e-5;

    /// <summary>Whether the op is part of a forward pass that can be differentiated.</summary>
    public bool HasGradient { get; init; } = true;
}

/// <summary>How a case is built.</summary>
/// <param name="Twice">The case is emitted twice on the same data, so that its gradients are sums.</param>
/// <param name="Copied">Data goes through a copy first, so that results may overwrite it.</param>
/// <param name="Accumulate">Gradients are added to persistent sums.</param>
/// <param name="OnlyTrainable">The one parameter that is not frozen, or null for all.</param>
internal sealed record OpCaseOptions(bool Twice = false, bool Copied = false, bool Accumulate = false, string? OnlyTrainable = null);

/// <summary>What a case is written with: random data of any shape, made from the name of the case alone.</summary>
internal sealed class OpCaseBuilder(OpCaseOptions options, int seed)
{
    private readonly Random _random = new(seed);
    private readonly Dictionary<string, Value> _known = [];
    private int _results;

    /// <summary>Where ops are emitted.</summary>
    public GraphBuilder Graph { get; } = new();

    /// <summary>Elements of everything declared.</summary>
    public Dictionary<Value, double[]> Data { get; } = [];

    /// <summary>Results to compare.</summary>
    public List<Value> Results { get; } = [];

    /// <summary>Results to differentiate, with their gradients; null for a loss.</summary>
    public Dictionary<Value, Value?> Seeds { get; } = [];

    /// <summary>A trainable tensor of normal numbers.</summary>
    public Value X(string name, Shape shape, DType type = DType.F32, double scale = 1, double mean = 0)
    {
        if (_known.TryGetValue(name, out Value? known)) return known;
        bool trainable = options.OnlyTrainable is null || options.OnlyTrainable == name;
        Value parameter = Graph.Parameter(name, shape, type, trainable);
        Data[parameter] = [.. Enumerable.Range(0, (int)shape.Elements).Select(_ => Storage.Round(mean + (scale * Normal()), type))];
        return _known[name] = Copy(parameter);
    }

    /// <summary>A tensor of integers that the host writes.</summary>
    public Value Integers(string name, Shape shape, Func<int, int> element, DType type = DType.I32)
    {
        if (_known.TryGetValue(name, out Value? known)) return known;
        Value input = Graph.Input(name, shape, type);
        Data[input] = [.. Enumerable.Range(0, (int)shape.Elements).Select(i => (double)element(i))];
        return _known[name] = input;
    }

    /// <summary>A scalar that the host writes.</summary>
    public Value Scalar(string name, float number)
    {
        if (_known.TryGetValue(name, out Value? known)) return known;
        Value input = Graph.Input(name, Shape.Scalar);
        Data[input] = [number];
        return _known[name] = input;
    }

    /// <summary>Memory that outlives the step.</summary>
    public Value State(string name, Shape shape, MemoryKind kind, DType type = DType.F32)
    {
        if (_known.TryGetValue(name, out Value? known)) return known;
        Value state = Graph.State(name, shape, kind, type);
        Data[state] = [.. Enumerable.Range(0, (int)shape.Elements).Select(_ => Storage.Round(Normal(), type))];
        return _known[name] = state;
    }

    /// <summary>A random integer.</summary>
    public int Next(int below) => _random.Next(below);

    /// <summary>Emits an op whose results are compared and whose first result is differentiated with a random gradient.</summary>
    public IReadOnlyList<Value> Emit(Op op, params IReadOnlyList<Value> inputs)
    {
        IReadOnlyList<Value> outputs = Graph.Emit(op, $"y{_results++}", MemoryKind.Activations, inputs);
        Results.AddRange(outputs);
        if (outputs.Count == 0 || !outputs[0].DType.IsFloating()) return outputs;
        Value gradient = Graph.Input($"dy{_results}", outputs[0].Shape);
        Data[gradient] = [.. Enumerable.Range(0, (int)outputs[0].Shape.Elements).Select(_ => (double)(float)Normal())];
        Seeds[outputs[0]] = Copy(gradient);
        return outputs;
    }

    /// <summary>Emits an op whose first result is a loss.</summary>
    public void EmitLoss(Op op, params IReadOnlyList<Value> inputs)
    {
        IReadOnlyList<Value> outputs = Graph.Emit(op, $"loss{_results++}", MemoryKind.Activations, inputs);
        Results.AddRange(outputs);
        Seeds[outputs[0]] = null;
    }

    /// <summary>A standard normal number.</summary>
    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());

    private Value Copy(Value value) =>
        options.Copied && value.DType == DType.F32 ? Graph.Elementwise(new Load(value) * 1f, value.Name + ".copy", MemoryKind.Activations) : value;
}
