using Ration.Data;
using Ration.Execution;
using Ration.Models;
using Ration.Planning;

namespace Ration.Training;

/// <summary>Room for some rows of packed tokens on their way from the data to the inputs of a program.</summary>
/// <param name="data">Where rows come from.</param>
/// <param name="rows">Rows of the programs that will be fed.</param>
internal sealed class RowFiller(PackedBatches data, int rows)
{
    private readonly int[] _tokens = new int[rows * data.Sequence];
    private readonly int[] _targets = new int[rows * data.Sequence];
    private readonly int[] _positions = new int[rows * data.Sequence];
    private readonly int[] _keyRanges = new int[2 * rows * data.Sequence];

    /// <summary>Bytes of the room for so many rows of so many tokens.</summary>
    public static long HostBytes(long rows, long sequence) => 5L * sizeof(int) * rows * sequence;

    /// <summary>The targets of the row in place <paramref name="at"/>.</summary>
    public ReadOnlySpan<int> TargetsAt(int at) => _targets.AsSpan(at * data.Sequence, data.Sequence);

    /// <summary>Rows that are filled together.</summary>
    public int Rows => rows;

    /// <summary>Makes a training row in place <paramref name="at"/>; returns how many targets it has.</summary>
    public int FillTraining(long row, int at)
    {
        int sequence = data.Sequence, start = at * sequence;
        return data.Fill(row, _tokens.AsSpan(start, sequence), _targets.AsSpan(start, sequence),
            _positions.AsSpan(start, sequence), _keyRanges.AsSpan(2 * start, 2 * sequence));
    }

    /// <summary>Makes a held-out row in place <paramref name="at"/>; returns how many targets it has.</summary>
    public int FillEvaluation(long row, int at)
    {
        int sequence = data.Sequence, start = at * sequence;
        return data.FillEvaluation(row, _tokens.AsSpan(start, sequence), _targets.AsSpan(start, sequence),
            _positions.AsSpan(start, sequence), _keyRanges.AsSpan(2 * start, 2 * sequence));
    }

    /// <summary>Takes the targets of a row away, so that it counts for nothing.</summary>
    public void Ignore(int at) => _targets.AsSpan(at * data.Sequence, data.Sequence).Fill(PackedBatches.IgnoredTarget);

    /// <summary>Writes the rows into the inputs of a program.</summary>
    public void Write(Executor executor, StepProgram program)
    {
        executor.Write<int>(program, ModelInputs.TokensName, _tokens);
        executor.Write<int>(program, TrainingGraph.Targets, _targets);
        executor.Write<int>(program, ModelInputs.PositionsName, _positions);
        executor.Write<int>(program, ModelInputs.KeyRangesName, _keyRanges);
    }

    /// <summary>The mean loss over the targets of the first held-out rows.</summary>
    /// <param name="executor">Holds the weights.</param>
    /// <param name="program">A program of <see cref="TrainingGraph.BuildEvaluation"/> for so many rows.</param>
    /// <param name="count">How many held-out rows to look at.</param>
    /// <param name="done">Told the number of rows after each part, or null.</param>
    /// <param name="cancellation">Ends the evaluation.</param>
    public (double Loss, long Targets) Evaluate(Executor executor, StepProgram program, long count, Action<long>? done, CancellationToken cancellation)
    {
        double sum = 0;
        long targets = 0;
        for (long row = 0; row < count; row += rows)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < rows; i++)
            {
                if (row + i < count) targets += FillEvaluation(row + i, i);
                else Ignore(i);
            }

            Write(executor, program);
            executor.WriteScalar(program, TrainingGraph.LossScale, 1);
            executor.Run(program, Graphs.Phase.Repeat);
            sum += executor.ReadScalar(program, TrainingGraph.Loss);
            done?.Invoke(Math.Min(count, row + rows));
        }

        return (targets == 0 ? double.NaN : sum / targets, targets);
    }
}
