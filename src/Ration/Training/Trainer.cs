using System.Diagnostics;
using Ration.Data;
using Ration.Execution;
using Ration.Graphs;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;

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
    private readonly StepProgram _evaluation;
    private readonly LearningRateSchedule _schedule;
    private readonly int[] _tokens;
    private readonly int[] _targets;
    private readonly int[] _positions;
    private readonly int[] _keyRanges;
    private readonly int _rows;

    /// <summary>Reserves the plan's memory. Weights are undefined until <see cref="Initialize"/> or a checkpoint sets them.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="data">Rows of the plan's sequence length; stays the caller's.</param>
    /// <exception cref="ArgumentException">The data has rows of another length.</exception>
    public Trainer(TrainingPlan plan, PackedBatches data)
    {
        if (data.Sequence != plan.Options.Sequence) throw new ArgumentException($"the data has rows of {data.Sequence} tokens, the plan of {plan.Options.Sequence}", nameof(data));
        (Plan, _data, _program, _evaluation, _rows) = (plan, data, plan.Program, plan.Evaluation, plan.Choices.MicroBatchRows);
        _schedule = plan.Options.LearningRateSchedule;
        int tokens = _rows * plan.Options.Sequence;
        (_tokens, _targets, _positions, _keyRanges) = (new int[tokens], new int[tokens], new int[tokens], new int[2 * tokens]);
        _executor = new Executor(plan.Device, plan.Program, plan.Evaluation);
    }

    /// <summary>The plan.</summary>
    public TrainingPlan Plan { get; }

    /// <summary>Steps done.</summary>
    public long StepsDone { get; internal set; }

    /// <summary>Bytes reserved; always the plan's.</summary>
    public long ArenaBytes => _executor.ArenaBytes;

    internal Executor Executor => _executor;

    /// <summary>Sets initial weights from the options' seed, and all other state to zero.</summary>
    public void Initialize()
    {
        foreach (Value value in _program.Graph.Persistent) WeightInitialization.Fill(_executor, value, Plan.Options.Model, Plan.Options.Seed);
        StepsDone = 0;
    }

    /// <summary>Runs one step and returns its mean loss over targets. Nothing is allocated.</summary>
    /// <exception cref="TrainingDivergedException">The loss is not finite.</exception>
    public float Step()
    {
        long step = StepsDone + 1, firstRow = StepsDone * Plan.Options.Rows;
        WriteScalars(new StepState(step, _schedule.At(step)), LossScale(firstRow));
        _executor.Run(_program, Phase.Begin);
        double loss = 0;
        for (int micro = 0; micro < _program.Graph.Repetitions; micro++)
        {
            FillTraining(firstRow + (micro * _rows), 0, _rows);
            WriteBatch(_program);
            WriteRandomKey((StepsDone * _program.Graph.Repetitions) + micro);
            _executor.Run(_program, Phase.Repeat);
            loss += _executor.ReadScalar(_program, TrainingGraph.Loss);
        }

        if (!double.IsFinite(loss)) throw new TrainingDivergedException(step);
        _executor.Run(_program, Phase.Finish);
        StepsDone = step;
        return (float)loss;
    }

    /// <summary>The mean loss over the targets of the first held-out rows.</summary>
    /// <param name="mostTokens">How many tokens to look at, at the most; at least one micro-batch is.</param>
    /// <param name="cancellation">Ends the evaluation.</param>
    public (double Loss, long Tokens) Evaluate(long mostTokens, CancellationToken cancellation = default)
    {
        double sum = 0;
        long targets = 0, rows = Math.Min(_data.EvaluationRows, Math.Max(1, mostTokens / _data.Sequence));
        for (long row = 0; row < rows; row += _rows)
        {
            cancellation.ThrowIfCancellationRequested();
            int valid = 0;
            for (int i = 0; i < _rows; i++)
            {
                if (row + i < rows) valid += FillEvaluation(row + i, i);
                else _targets.AsSpan(i * _data.Sequence, _data.Sequence).Fill(PackedBatches.IgnoredTarget);
            }

            WriteBatch(_evaluation);
            _executor.WriteScalar(_evaluation, TrainingGraph.LossScale, 1);
            _executor.Run(_evaluation, Phase.Repeat);
            sum += _executor.ReadScalar(_evaluation, TrainingGraph.Loss);
            targets += valid;
        }

        return (targets == 0 ? double.NaN : sum / targets, targets);
    }

    /// <inheritdoc/>
    public void Dispose() => _executor.Dispose();

    // One over the number of targets of the whole step, so that micro-batches add up to exactly the large batch's mean.
    private float LossScale(long firstRow)
    {
        long valid = 0;
        for (int row = 0; row < Plan.Options.Rows; row++) valid += FillTraining(firstRow + row, 0, 1);
        return valid == 0 ? 0 : (float)(1.0 / valid);
    }

    private int FillTraining(long firstRow, int at, int rows)
    {
        int valid = 0, sequence = _data.Sequence;
        for (int i = 0; i < rows; i++)
        {
            int start = (at + i) * sequence;
            valid += _data.Fill(firstRow + i, _tokens.AsSpan(start, sequence), _targets.AsSpan(start, sequence),
                _positions.AsSpan(start, sequence), _keyRanges.AsSpan(2 * start, 2 * sequence));
        }

        return valid;
    }

    private int FillEvaluation(long row, int at)
    {
        int sequence = _data.Sequence, start = at * sequence;
        return _data.FillEvaluation(row, _tokens.AsSpan(start, sequence), _targets.AsSpan(start, sequence),
            _positions.AsSpan(start, sequence), _keyRanges.AsSpan(2 * start, 2 * sequence));
    }

    private void WriteBatch(StepProgram program)
    {
        _executor.Write<int>(program, "tokens", _tokens);
        _executor.Write<int>(program, "targets", _targets);
        _executor.Write<int>(program, "positions", _positions);
        _executor.Write<int>(program, "keyRanges", _keyRanges);
    }

    private void WriteScalars(StepState state, float lossScale)
    {
        IReadOnlyList<HostScalar> scalars = Plan.Scalars;
        for (int i = 0; i < scalars.Count; i++) _executor.WriteScalar(_program, scalars[i].Name, (float)scalars[i].Compute(state));
        _executor.WriteScalar(_program, TrainingGraph.LossScale, lossScale);
    }

    private void WriteRandomKey(long draw)
    {
        if (!_program.Has(TrainingGraph.RandomKey)) return;
        ReadOnlySpan<long> key = [(long)Plan.Options.Seed, draw];
        _executor.Write(_program, TrainingGraph.RandomKey, key);
    }
}
