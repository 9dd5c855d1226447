using Ration.Tensors;

namespace Ration.Graphs;

/// <summary>Reverse-mode differentiation of a traced graph.</summary>
public static class Differentiation
{
    /// <summary>
    /// Appends the backward pass for the forward nodes built so far. Nodes that no trainable parameter stands behind are not visited.
    /// </summary>
    /// <param name="builder">Holds the forward nodes; receives the backward nodes.</param>
    /// <param name="seeds">The values to differentiate and the gradient of each; a null gradient means that the op of the value is a
    /// loss that starts gradients by itself (its gradient is one).</param>
    /// <param name="accumulators">Persistent sums, by parameter, to which gradients are added; missing ones start from nothing.</param>
    /// <param name="compressed">Weights whose gradients are compressed, with what is kept of their layers' inputs; see <see cref="Gradients"/>.</param>
    /// <returns>The gradient of every trainable parameter that the seeds depend on.</returns>
    public static IReadOnlyDictionary<Value, Value> Backward(
        GraphBuilder builder, IReadOnlyDictionary<Value, Value?> seeds, IReadOnlyDictionary<Value, Value>? accumulators = null,
        IReadOnlyDictionary<Value, Value>? compressed = null)
    {
        Node[] forward = [.. builder.Nodes.Where(static n => n.Pass == Pass.Forward)];
        HashSet<int> reached = ReachedFrom(builder.Persistent.Where(static v => v.Trainable), forward);
        Gradients gradients = new(builder, reached, compressed);
        HashSet<int> losses = [];
        foreach ((Value value, Value? gradient) in seeds)
        {
            if (gradient is null) losses.Add(value.Id);
            else gradients.Set(value, gradient);
        }

        accumulators ??= new Dictionary<Value, Value>();
        foreach ((Value parameter, Value sum) in accumulators) gradients.Set(parameter, sum);
        Pass before = builder.Pass;
        builder.Pass = Pass.Backward;
        try
        {
            for (int i = forward.Length - 1; i >= 0; i--)
            {
                Node node = forward[i];
                bool fed = node.Outputs.Any(v => losses.Contains(v.Id) || gradients.Of(v) is not null);
                if (!fed || !node.Inputs.Any(gradients.Needed)) continue;
                using (builder.At(node)) node.Op.Differentiate(node, gradients);
            }
        }
        finally
        {
            builder.Pass = before;
        }

        return builder.Persistent.Where(v => v.Trainable && gradients.Of(v) is { } sum && sum != accumulators.GetValueOrDefault(v))
            .ToDictionary(static v => v, v => gradients.Of(v)!);
    }

    private static HashSet<int> ReachedFrom(IEnumerable<Value> trainable, IEnumerable<Node> nodes)
    {
        HashSet<int> reached = [.. trainable.Select(static v => v.Id)];
        foreach (Node node in nodes)
        {
            if (node.Inputs.Any(v => reached.Contains(v.Id))) reached.UnionWith(node.Outputs.Where(static v => v.DType.IsFloating()).Select(static v => v.Id));
        }

        return reached;
    }
}
