using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Graphs;

/// <summary>The gradients known so far while a graph is differentiated from its last node to its first.</summary>
/// <param name="builder">Where backward nodes are appended.</param>
/// <param name="reached">For each value number, whether a trainable parameter lies behind it.</param>
/// <param name="compressed">Weights [n, m] of linear layers whose gradients are compressed, with the [.., r] that is kept of the layer's input.</param>
public sealed class Gradients(GraphBuilder builder, IReadOnlySet<int> reached, IReadOnlyDictionary<Value, Value>? compressed = null)
{
    private readonly Dictionary<int, Value> _sums = [];

    /// <summary>Where backward nodes are appended.</summary>
    public GraphBuilder Builder => builder;

    /// <summary>Whether anything trainable depends on <paramref name="value"/>; if not, its gradient must not be computed.</summary>
    public bool Needed(Value value) => reached.Contains(value.Id);

    /// <summary>The gradient of a value, or null when no path leads from it to the loss.</summary>
    public Value? Of(Value value) => _sums.GetValueOrDefault(value.Id);

    /// <summary>What the gradient of a linear layer's weight is made with: the layer's input, or what is kept of it.</summary>
    public Value InputFor(Value weight, Value input) => KeptFor(weight) ?? input;

    /// <summary>What kind of memory a gradient of <paramref name="value"/> is.</summary>
    public static MemoryKind KindFor(Value value) => value.Kind == MemoryKind.Weights ? MemoryKind.Gradients : MemoryKind.Activations;

    /// <summary>Adds a contribution to the gradient of <paramref name="value"/>, if it is needed.</summary>
    public void Add(Value value, Value contribution)
    {
        if (!Needed(value)) return;
        Set(value, Of(value) is { } sum ? builder.Add(sum, contribution, "d." + value.Name, KindFor(value)) : contribution);
    }

    /// <summary>
    /// Adds a contribution by an op that can add to a running sum itself: <paramref name="emit"/> gets the sum so far, or null, and
    /// returns the new sum.
    /// </summary>
    public void Accumulate(Value value, Func<Value?, Value> emit)
    {
        if (Needed(value)) Set(value, emit(Of(value)));
    }

    /// <summary>Replaces the gradient of a value by a sum that already contains it.</summary>
    public void Set(Value value, Value sum)
    {
        Tensors.Shape shape = KeptFor(value) is { } kept ? new(value.Shape[0], kept.Shape[^1]) : value.Shape;
        if (sum.Shape != shape) throw new GraphException($"gradient of {value.Name} {shape} has shape {sum.Shape}");
        _sums[value.Id] = sum;
    }

    private Value? KeptFor(Value weight) => compressed?.GetValueOrDefault(weight);
}
