using System.Diagnostics;
using Ration.Memory;
using Ration.Training;

namespace Ration.Cli.Output;

/// <summary>
/// Shows where a run stands: a line that is overwritten on a terminal, now and then a new line elsewhere. Between two showings a report
/// costs a look at the clock and allocates nothing.
/// </summary>
internal sealed class ProgressDisplay : IProgress<TrainingProgress>, IDisposable
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);
    private readonly TrainingPlan _plan;
    private readonly StatusLine _status = new();
    private long _lastTime = Stopwatch.GetTimestamp();
    private long _lastStep;

    /// <summary>A display for a run.</summary>
    /// <param name="plan">Its plan.</param>
    /// <param name="stepsDone">Steps that were done before.</param>
    public ProgressDisplay(TrainingPlan plan, long stepsDone) => (_plan, _lastStep) = (plan, stepsDone);

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        if (StatusLine.IsTerminal)
        {
            if (_status.IsDue) _status.Replace(Text(value));
            return;
        }

        TimeSpan since = Stopwatch.GetElapsedTime(_lastTime);
        bool due = since >= s_longest || (since >= s_shortest && (value.Step - _lastStep) * 20 >= value.Steps);
        if (!due) return;
        (_lastTime, _lastStep) = (Stopwatch.GetTimestamp(), value.Step);
        Log.Line(Text(value));
    }

    /// <inheritdoc/>
    public void Dispose() => _status.Dispose();

    private string Text(TrainingProgress progress) => Text(progress, MeasuredMemory.ResidentBytes(), _plan.BudgetBytes);

    /// <summary>What is said, the most important first: a terminal of 80 columns has room for all of it.</summary>
    internal static string Text(TrainingProgress progress, long residentBytes, long budgetBytes) =>
        $"step {progress.Step}/{progress.Steps}  loss {progress.Loss:0.000}  {Duration.Of(progress.Remaining)} left  "
        + $"{progress.TokensPerSecond:N0} tok/s  memory {100.0 * residentBytes / budgetBytes:0} %";
}
