namespace Ration.Planning;

/// <summary>How long an amount of work took.</summary>
/// <param name="Work">Floating-point operations, or bytes where there are none.</param>
/// <param name="Seconds">The time.</param>
public readonly record struct WorkTime(double Work, double Seconds);

/// <summary>
/// Measured times of one kind of operation. Between two measured amounts of work the rate changes evenly on a logarithmic scale of work (small
/// work fits caches, or does not fill all cores); beyond them it stays.
/// </summary>
public sealed class WorkTimes
{
    private readonly WorkTime[] _points;

    /// <summary>Times from measurements.</summary>
    /// <param name="points">At least one, of positive work and time; the order does not matter.</param>
    /// <exception cref="ArgumentException">There is none, or one is not positive.</exception>
    public WorkTimes(IEnumerable<WorkTime> points)
    {
        _points = [.. points.OrderBy(static p => p.Work)];
        if (_points.Length == 0 || _points.Any(static p => !(p.Work > 0 && p.Seconds > 0 && double.IsFinite(p.Work) && double.IsFinite(p.Seconds))))
            throw new ArgumentException("times are of positive work", nameof(points));
    }

    /// <summary>The measurements, least work first.</summary>
    public IReadOnlyList<WorkTime> Points => _points;

    /// <summary>The predicted time of an amount of work.</summary>
    public double Seconds(double work)
    {
        if (work <= 0) return 0;
        if (work <= _points[0].Work) return work * Slowness(_points[0]);
        for (int i = 1; i < _points.Length; i++)
        {
            if (work > _points[i].Work) continue;
            (WorkTime a, WorkTime b) = (_points[i - 1], _points[i]);
            double share = Math.Log(work / a.Work) / Math.Log(b.Work / a.Work);
            return work * Math.Exp((Math.Log(Slowness(a)) * (1 - share)) + (Math.Log(Slowness(b)) * share));
        }

        return work * Slowness(_points[^1]);
    }

    private static double Slowness(WorkTime point) => point.Seconds / point.Work;
}
