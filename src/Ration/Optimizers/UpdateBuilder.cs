using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>Where a step of training stands, for scalars that the host computes.</summary>
/// <param name="Number">Number of the update, from 1.</param>
/// <param name="LearningRate">The learning rate of this step.</param>
public readonly record struct StepState(long Number, double LearningRate);

/// <summary>A scalar input of a training step that the host computes, in double precision, before each step.</summary>
/// <param name="Name">Name of the input.</param>
/// <param name="Compute">Its value.</param>
public sealed record HostScalar(string Name, Func<StepState, double> Compute);

/// <summary>Collects the scalars that the host computes for a graph; one input for each name.</summary>
public sealed class HostScalars(GraphBuilder builder)
{
    private readonly Dictionary<string, (HostScalar Scalar, Value Value)> _scalars = [];

    /// <summary>All scalars.</summary>
    public IEnumerable<HostScalar> All => _scalars.Values.Select(static s => s.Scalar);

    /// <summary>The input of this name, declared on first use.</summary>
    public Value this[string name, Func<StepState, double> compute]
    {
        get
        {
            if (!_scalars.TryGetValue(name, out (HostScalar Scalar, Value Value) known))
                _scalars[name] = known = (new HostScalar(name, compute), builder.Input(name, Shape.Scalar));
            return known.Value;
        }
    }
}

/// <summary>What an optimizer writes its rule with: the parameter, its gradient, the step's scalars, and state of its own.</summary>
/// <param name="builder">Receives the update nodes.</param>
/// <param name="scalars">Scalars of the step.</param>
/// <param name="parameter">The parameter.</param>
/// <param name="gradient">Its complete gradient, clipped as the run asks.</param>
public sealed class UpdateBuilder(GraphBuilder builder, HostScalars scalars, Value parameter, Expression gradient)
{
    private readonly List<(Value Target, Expression Formula)> _assignments = [];

    /// <summary>The parameter before the update.</summary>
    public Load Parameter { get; } = new(parameter);

    /// <summary>The complete gradient.</summary>
    public Expression Gradient { get; } = gradient;

    /// <summary>The learning rate of the step.</summary>
    public Expression LearningRate => Scalar("learningRate", static step => step.LearningRate);

    /// <summary>Whether the parameter is a matrix; by custom only matrices are decayed.</summary>
    public bool IsMatrix => parameter.Shape.Rank >= 2;

    /// <summary>State of the parameter's shape that is kept between steps and starts at zero.</summary>
    public Load State(string name) => new(builder.State($"{parameter.Name}.{name}", parameter.Shape, MemoryKind.OptimizerState));

    /// <summary>A scalar that the host computes for each step; equal names are one scalar.</summary>
    public Load Scalar(string name, Func<StepState, double> compute) => new(scalars[name, compute]);

    /// <summary>Assigns to the parameter or to state. All assignments of an update happen at once and see the old values.</summary>
    public void Assign(Load target, Expression formula) => _assignments.Add((target.Value, formula));

    /// <summary>Emits everything that was assigned as one node.</summary>
    internal void Emit() => builder.Assign(_assignments);
}
