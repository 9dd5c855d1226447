using Ration.Data;
using Ration.Execution;
using Ration.Files;
using Ration.Graphs;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Training;

/// <summary>
/// Runs the steps of a plan: fills micro-batches from the data, runs the placed programs, and keeps count. The state of a run is the
/// persistent values and the number of steps done; everything else follows from the options.
/// </summary>
public sealed class Trainer : IDisposable
{
    private readonly PackedBatches _data;
    private readonly Executor _executor;
    private readonly StepProgram _program;
    private readonly RowFiller _filler;
    private readonly LearningRateSchedule _schedule;
    private readonly ClassSampler? _sampler;
    private readonly int _rows;
    private readonly float[] _measured;
    private string? _model;

    /// <summary>Reserves the plan's memory. Weights are undefined until <see cref="Initialize()"/> or a checkpoint sets them.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="data">Rows of the plan's sequence length; stays the caller's.</param>
    /// <exception cref="ArgumentException">The data has rows of another length.</exception>
    public Trainer(TrainingPlan plan, PackedBatches data)
    {
        if (data.Sequence != plan.Options.Sequence) throw new ArgumentException($"the data has rows of {data.Sequence} tokens, the plan of {plan.Options.Sequence}", nameof(data));
        (Plan, _data, _program, _rows) = (plan, data, plan.Program, plan.Choices.MicroBatchRows);
        (_filler, _schedule, _measured) = (new RowFiller(data, _rows), plan.Options.LearningRateSchedule, new float[plan.Measured.Count]);
        TrainingOptions options = plan.Options;
        int vocabulary = options.Model.Vocabulary;
        if (options.Loss.Method == LossMethod.Sampled)
            _sampler = new ClassSampler(vocabulary, options.Loss.SampledClasses(vocabulary), options.Loss.SampleRoom(vocabulary, options.BatchTokens), options.Seed);
        _executor = new Executor(plan.Device, plan.Program, plan.Evaluation);
    }

    /// <summary>The plan.</summary>
    public TrainingPlan Plan { get; }

    /// <summary>Steps done.</summary>
    public long StepsDone { get; internal set; }

    /// <summary>Bytes reserved; always the plan's.</summary>
    public long ArenaBytes => _executor.ArenaBytes;

    internal Executor Executor => _executor;

    /// <summary>The parameters, in the order in which the graph declares them.</summary>
    internal Value[] Weights => [.. _program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.Weights)];

    /// <summary>Sets initial weights from the options' seed, and all other state to zero.</summary>
    public void Initialize()
    {
        foreach (Value value in _program.Graph.Persistent) WeightInitialization.Fill(_executor, value, Plan.Options.Model, Plan.Options.Seed);
        (StepsDone, _model) = (0, null);
    }

    /// <summary>Sets the weights to those of a model, folder or file, and all other state to zero.</summary>
    /// <exception cref="InvalidInputException">The folder has not these weights, or they are damaged.</exception>
    public void Initialize(string modelFolder)
    {
        foreach (Value value in _program.Graph.Persistent)
        {
            if (value.Kind != MemoryKind.Weights) WeightInitialization.Fill(_executor, value, Plan.Options.Model, Plan.Options.Seed);
        }

        ModelFolder.Load(modelFolder, Weights, _executor);
        (StepsDone, _model) = (0, modelFolder);
    }

    /// <summary>Runs one step and returns its mean loss over targets. Nothing is allocated.</summary>
    /// <exception cref="TrainingDivergedException">The loss is no longer finite.</exception>
    /// <exception cref="InvalidInputException">It never was: the model that the run started from is damaged.</exception>
    public float Step()
    {
        long step = StepsDone + 1, firstRow = StepsDone * Plan.Options.Rows;
        _executor.ReadScalars(Plan.Measured, _measured);
        WriteScalars(new StepState(step, _schedule.At(step)) { Measured = _measured }, LossScale(firstRow));
        if (_sampler is not null) _executor.Write(_program, TrainingGraph.SampledClasses, _sampler.Draw(step));
        WriteUpdateKey(step);
        _executor.Run(_program, Phase.Begin);
        double loss = 0;
        for (int micro = 0; micro < _program.Graph.Repetitions; micro++)
        {
            for (int i = 0; i < _rows; i++) _ = _filler.FillTraining(firstRow + ((long)micro * _rows) + i, i);
            _filler.Write(_executor, _program);
            WriteRandomKey(firstRow + (micro * _rows));
            _executor.Run(_program, Phase.Repeat);
            loss += _executor.ReadScalar(_program, TrainingGraph.Loss);
        }

        // Nothing was updated yet: then no other rate mends it.
        if (!double.IsFinite(loss)) throw step == 1 && _model is not null ? Evaluation.NoFiniteLoss(_model) : new TrainingDivergedException(step);
        _executor.Run(_program, Phase.Finish);
        StepsDone = step;
        return (float)loss;
    }

    /// <summary>The mean loss over the targets of the first held-out rows.</summary>
    /// <param name="mostTokens">How many tokens to look at, at the most; in whole rows, of which at least one is taken.</param>
    /// <param name="cancellation">Ends the evaluation.</param>
    public (double Loss, long Tokens) Evaluate(long mostTokens, CancellationToken cancellation = default)
    {
        long rows = Math.Min(_data.EvaluationRows, Math.Max(1, mostTokens / _data.Sequence));
        return _filler.Evaluate(_executor, Plan.Evaluation, rows, null, cancellation);
    }

    /// <summary>Whether every weight is a finite number.</summary>
    public bool WeightsAreFinite()
    {
        Span<float> piece = stackalloc float[4096];
        Span<byte> stored = stackalloc byte[4096 * sizeof(float)];
        foreach (Value weight in Weights)
        {
            for (long start = 0; start < weight.Shape.Elements; start += piece.Length)
            {
                Span<float> part = piece[..(int)Math.Min(piece.Length, weight.Shape.Elements - start)];
                Span<byte> bytes = stored[..(int)weight.DType.Bytes(part.Length)];
                _executor.ReadPersistent(weight, weight.DType.Bytes(start), bytes);
                TensorCodec.Decode(weight.DType, bytes, part);
                foreach (float number in part)
                {
                    if (!float.IsFinite(number)) return false;
                }
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _executor.Dispose();

    // One over the number of targets of the whole step, so that micro-batches add up to exactly the large batch's mean. On the way a
    // sampler learns what the targets are.
    private float LossScale(long firstRow)
    {
        long valid = 0;
        _sampler?.Begin();
        for (int row = 0; row < Plan.Options.Rows; row++)
        {
            valid += _filler.FillTraining(firstRow + row, 0);
            _sampler?.AddTargets(_filler.TargetsAt(0));
        }

        return valid == 0 ? 0 : (float)(1.0 / valid);
    }

    private void WriteScalars(StepState state, float lossScale)
    {
        IReadOnlyList<HostScalar> scalars = Plan.Scalars;
        for (int i = 0; i < scalars.Count; i++) _executor.WriteScalar(_program, scalars[i].Name, (float)scalars[i].Compute(state));
        _executor.WriteScalar(_program, TrainingGraph.LossScale, lossScale);
    }

    private void WriteUpdateKey(long step)
    {
        if (!_program.Has(TrainingGraph.UpdateKey)) return;
        ReadOnlySpan<long> key = [(long)Plan.Options.Seed, step];
        _executor.Write(_program, TrainingGraph.UpdateKey, key);
    }

    private void WriteRandomKey(long firstRow)
    {
        if (!_program.Has(TrainingGraph.RandomKey)) return;
        ReadOnlySpan<long> key = [(long)Plan.Options.Seed, firstRow];
        _executor.Write(_program, TrainingGraph.RandomKey, key);
    }
}
