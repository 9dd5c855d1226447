using Ration.Devices;
using Ration.Execution;
using Ration.Graphs;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Tensors.Formats;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>A training step under any arrangement of its memory, on any device.</summary>
internal sealed class StepRunner : IDisposable
{
    private readonly TrainingStep _step;
    private readonly MemoryChoices _choices;
    private readonly IReadOnlyList<HostScalar> _scalars;
    private readonly IReadOnlyList<Value> _measured;
    private readonly Executor _executor;
    private long _stepsDone;

    public StepRunner(TrainingStep step, MemoryChoices choices, IDevice device, bool reuse = true, Func<Graph, Graph>? rewrite = null)
    {
        TrainingGraph graph = TrainingGraph.Build(step, choices);
        (_step, _choices, _scalars, _measured) = (step, choices, graph.Scalars, graph.Measured);
        Program = StepProgram.Compile(rewrite?.Invoke(graph.Graph) ?? graph.Graph, device, reuse: reuse);
        _executor = new Executor(device, Program);
        foreach (Value value in Program.Graph.Persistent) WeightInitialization.Fill(_executor, value, step.Model, seed: 42);
    }

    public StepProgram Program { get; }

    public void SetWeight(Value weight, ReadOnlySpan<float> elements)
    {
        byte[] stored = new byte[weight.Bytes];
        TensorCodec.Encode(weight.DType, elements, stored);
        _executor.WritePersistent(weight, 0, stored);
    }

    public float[] Read(Value value)
    {
        byte[] stored = new byte[value.Bytes];
        _executor.ReadPersistent(value, 0, stored);
        float[] elements = new float[value.Shape.Elements];
        TensorCodec.Decode(value.DType, stored, elements);
        return elements;
    }

    /// <summary>Elements of all weights and optimizer state by name.</summary>
    public SortedDictionary<string, float[]> State() =>
        new(Program.Graph.Persistent.Where(static v => v.Kind != Ration.Memory.MemoryKind.Gradients).ToDictionary(static v => v.Name, Read), StringComparer.Ordinal);

    public double Step(Batch batch, double learningRate)
    {
        float[] measured = new float[_measured.Count];
        _executor.ReadScalars(_measured, measured);
        StepState state = new(++_stepsDone, learningRate) { Measured = measured };
        foreach (HostScalar scalar in _scalars) _executor.WriteScalar(Program, scalar.Name, (float)scalar.Compute(state));
        _executor.WriteScalar(Program, TrainingGraph.LossScale, (float)(1.0 / batch.Valid));
        if (Program.Has(TrainingGraph.UpdateKey)) _executor.Write<long>(Program, TrainingGraph.UpdateKey, [7, _stepsDone]);
        _executor.Run(Program, Phase.Begin);
        double loss = 0;
        for (int micro = 0; micro < Program.Graph.Repetitions; micro++)
        {
            int count = _choices.MicroBatchRows * _step.Sequence, start = micro * count;
            _executor.Write<int>(Program, "tokens", batch.Tokens.AsSpan(start, count));
            _executor.Write<int>(Program, "targets", batch.Targets.AsSpan(start, count));
            _executor.Write<int>(Program, "positions", batch.Positions.AsSpan(start, count));
            _executor.Write<int>(Program, "keyRanges", batch.KeyRanges.AsSpan(2 * start, 2 * count));
            if (Program.Has(TrainingGraph.RandomKey)) _executor.Write<long>(Program, TrainingGraph.RandomKey, [7, (_stepsDone * _step.Rows) + (micro * _choices.MicroBatchRows)]);
            _executor.Run(Program, Phase.Repeat);
            loss += _executor.ReadScalar(Program, TrainingGraph.Loss);
        }

        _executor.Run(Program, Phase.Finish);
        return loss;
    }

    public void Dispose() => _executor.Dispose();
}
