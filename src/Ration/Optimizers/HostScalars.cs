using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>Where a step of training stands, for scalars that the host computes.</summary>
/// <param name="Number">Number of the update, from 1.</param>
/// <param name="LearningRate">The learning rate of this step.</param>
public readonly record struct StepState(long Number, double LearningRate)
{
    /// <summary>Scalars of state as they are before the step, each at the place that <see cref="HostScalars.Measure"/> gave it.</summary>
    public ReadOnlyMemory<float> Measured { get; init; }
}

/// <summary>A scalar input of a training step that the host computes, in double precision, before each step.</summary>
/// <param name="Name">Name of the input.</param>
/// <param name="Compute">Its value.</param>
public sealed record HostScalar(string Name, Func<StepState, double> Compute);

/// <summary>Collects the scalars that the host computes for a graph; one input for each name.</summary>
public sealed class HostScalars(GraphBuilder builder)
{
    private readonly Dictionary<string, (HostScalar Scalar, Value Value)> _scalars = [];
    private readonly List<Value> _measured = [];

    /// <summary>All scalars.</summary>
    public IEnumerable<HostScalar> All => _scalars.Values.Select(static s => s.Scalar);

    /// <summary>State that the host must read before it computes the scalars of a step.</summary>
    public IReadOnlyList<Value> Measured => _measured;

    /// <summary>Lets scalars of a step follow from state as the step before left it, and returns its place in <see cref="StepState.Measured"/>.</summary>
    /// <param name="state">An F32 scalar that is kept from step to step.</param>
    public int Measure(Value state)
    {
        if (state is not { Role: ValueRole.Persistent, Shape.Rank: 0, DType: DType.F32 }) throw new ArgumentException($"{state} is no scalar that is kept", nameof(state));
        _measured.Add(state);
        return _measured.Count - 1;
    }

    /// <summary>How many times something that is renewed every so many steps has been renewed before.</summary>
    /// <param name="period">Steps from one renewal to the next, at least 1.</param>
    public Value Epoch(int period)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(period, 1);
        return this[$"epoch.{period}", step => (step.Number - 1) / period];
    }

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
