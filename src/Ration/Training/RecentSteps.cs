using System.Diagnostics;

namespace Ration.Training;

/// <summary>The losses and times of the latest steps, in memory that does not grow with the run.</summary>
/// <param name="steps">Steps of the run.</param>
internal sealed class RecentSteps(long steps)
{
    private const int Most = 4096, Parts = 20;
    private readonly float[] _losses = new float[(int)Math.Min(steps, Most)];
    private readonly long[] _ticks = new long[(int)Math.Min(steps, Most)];
    private long _allTicks;

    /// <summary>Steps added, those that are forgotten included.</summary>
    public long Count { get; private set; }

    /// <summary>How many steps are the last ones: a twentieth of those added, at least one where there is one.</summary>
    public int Last => (int)Math.Clamp(Count / Parts, Math.Min(1, Count), Kept);

    /// <summary>Time of all steps.</summary>
    public double Seconds => Stopwatch.GetElapsedTime(0, _allTicks).TotalSeconds;

    private int Kept => (int)Math.Min(Count, _losses.Length);

    /// <summary>Adds a step.</summary>
    public void Add(float loss, long ticks)
    {
        int at = (int)(Count % _losses.Length);
        (_losses[at], _ticks[at]) = (loss, ticks);
        _allTicks += ticks;
        Count++;
    }

    /// <summary>The mean time of the last <paramref name="last"/> steps; NaN of none.</summary>
    public double MeanSeconds(int last)
    {
        last = Math.Min(last, Kept);
        long ticks = 0;
        for (int i = 1; i <= last; i++) ticks += _ticks[(int)((Count - i) % _ticks.Length)];
        return last == 0 ? double.NaN : Stopwatch.GetElapsedTime(0, ticks).TotalSeconds / last;
    }

    /// <summary>The mean loss of the last <paramref name="last"/> steps; NaN of none.</summary>
    public double MeanLoss(int last)
    {
        last = Math.Min(last, Kept);
        double sum = 0;
        for (int i = 1; i <= last; i++) sum += _losses[(int)((Count - i) % _losses.Length)];
        return last == 0 ? double.NaN : sum / last;
    }

    /// <summary>The median time of the steps that are kept, without the very first, in which code is compiled; NaN of none.</summary>
    public double MedianSeconds()
    {
        if (Count == 0) return double.NaN;
        int first = Count <= _ticks.Length && Kept > 1 ? 1 : 0;
        long[] ordered = _ticks[first..Kept];
        Array.Sort(ordered);
        return Stopwatch.GetElapsedTime(0, ordered[ordered.Length / 2]).TotalSeconds;
    }
}
