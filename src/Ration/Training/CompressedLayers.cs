using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Optimizers;

namespace Ration.Training;

/// <summary>Linear layers that keep of their input only what the compressed gradient of their weight is made with.</summary>
/// <param name="builder">Where the model is built.</param>
/// <param name="compression">Which layers, and how.</param>
/// <param name="scalars">Scalars of the step.</param>
internal sealed class CompressedLayers(GraphBuilder builder, GradientCompression compression, HostScalars scalars)
{
    private readonly Dictionary<int, (Value Kept, GradientProjection Projection)> _inputs = [];
    private readonly Dictionary<Value, Value> _kept = [];
    private readonly Dictionary<Value, GradientProjection> _projections = [];

    /// <summary>For each compressed weight the x·P that its gradient reads.</summary>
    public IReadOnlyDictionary<Value, Value> Kept => _kept;

    /// <summary>What a weight's gradient is projected by, or null where it is whole.</summary>
    /// <param name="weight">Any parameter.</param>
    public GradientProjection? ProjectionOf(Value weight) => _projections.GetValueOrDefault(weight);

    /// <summary>x·weightᵀ; x·P beside it where the weight's gradient is compressed.</summary>
    /// <param name="x">[.., m].</param>
    /// <param name="weight">[n, m].</param>
    /// <param name="name">For people.</param>
    public Value Linear(Value x, Value weight, string name)
    {
        if (GradientCompression.Takes(weight))
        {
            if (!_inputs.TryGetValue(x.Id, out (Value, GradientProjection) known)) _inputs[x.Id] = known = Project(x, weight);
            (_kept[weight], _projections[weight]) = known;
        }

        return builder.Linear(x, weight, name);
    }

    private (Value Kept, GradientProjection Projection) Project(Value x, Value weight)
    {
        GradientProjection projection = compression.ProjectionFor(weight, scalars);
        return (builder.MatMul(x, projection.Emit(builder), false, false, name: x.Name + ".projected"), projection);
    }
}
