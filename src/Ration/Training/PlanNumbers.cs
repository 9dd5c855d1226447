using Ration.Memory;
using Ration.Planning;

namespace Ration.Training;

/// <summary>How the plan's report writes numbers, the same everywhere.</summary>
internal static class PlanNumbers
{
    private static readonly (double Seconds, string Name)[] s_timeUnits = [(3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")];

    private static readonly (long Bytes, string Name)[] s_byteUnits =
        [(1L << 40, "TiB"), (1L << 30, "GiB"), (1L << 20, "MiB"), (1L << 10, "KiB"), (1, "B")];

    /// <summary>For example <c>876 GiB</c>.</summary>
    public static string Bytes(long bytes) => new ByteSize(bytes).ToString();

    /// <summary>For example <c>30.1 %</c>, or <c>&lt; 0.1 %</c>.</summary>
    public static string Share(double share) => share switch
    {
        0 => "0 %",
        < 0.001 => "< 0.1 %",
        _ => Invariant($"{100 * share:0.0} %"),
    };

    /// <summary>Three digits: <c>8.42 ms</c>, <c>12.3 s</c>, <c>4 min 7 s</c>, <c>2 h 5 min</c>, <c>3.2 days</c>.</summary>
    public static string Seconds(double seconds)
    {
        if (seconds >= 172_800) return Invariant($"{seconds / 86_400:0.0} days");
        if (seconds >= 3599.5) return Invariant($"{Math.Floor(Math.Round(seconds / 60) / 60):0} h {Math.Round(seconds / 60) % 60:0} min");
        if (seconds >= 99.95) return Invariant($"{Math.Floor(Math.Round(seconds) / 60):0} min {Math.Round(seconds) % 60:0} s");
        if (seconds >= 0.9995) return ThreeDigits(seconds) + " s";
        return seconds >= 0.9995e-3 ? ThreeDigits(seconds * 1e3) + " ms" : ThreeDigits(seconds * 1e6) + " µs";
    }

    /// <summary>Three digits, with thousands separated: <c>0.162</c>, <c>16.2</c>, <c>1,624</c>.</summary>
    public static string ThreeDigits(double value) => value switch
    {
        >= 99.95 => Invariant($"{value:#,0}"),
        >= 9.995 => Invariant($"{value:0.0}"),
        >= 0.9995 => Invariant($"{value:0.00}"),
        _ => Invariant($"{value:0.###}"),
    };

    /// <summary>What times are predicted from.</summary>
    public static string Source(MachineRates rates) => rates.Measured.Count > 0
        ? $"measured times of {Plural(rates.Measured.Count, "kind")} of operations"
        : $"{ThreeDigits(rates.Flops / 1e9)} GFLOP/s and {ThreeDigits(rates.BytesPerSecond / 1e9)} GB/s; ration bench measures each kind of operation";

    /// <summary>Thousands separated.</summary>
    public static string Whole(long value) => Invariant($"{value:#,0}");

    /// <summary>A large count: <c>70.6 billion</c>, <c>1.24 million</c>, <c>886,400</c>.</summary>
    public static string Count(long value) => value switch
    {
        >= 1_000_000_000 => ThreeDigits(value / 1e9) + " billion",
        >= 1_000_000 => ThreeDigits(value / 1e6) + " million",
        _ => Whole(value),
    };

    /// <summary>One thing or several: <c>1 row</c>, <c>16 rows</c>.</summary>
    public static string Plural(long count, string noun) => $"{Whole(count)} {noun}{(count == 1 ? "" : "s")}";

    /// <summary>Round places on an axis of bytes from 0 up to <paramref name="most"/>, with their labels.</summary>
    public static IEnumerable<(double At, string Label)> ByteTicks(long most)
    {
        (long unit, string name) = s_byteUnits.First(u => most >= u.Bytes || u.Bytes == 1);
        double step = RoundStep((double)most / unit / 5);
        for (int i = 0; i * step * unit <= most; i++) yield return (i * step * unit, i == 0 ? "0" : Invariant($"{i * step:#,0.##} {name}"));
    }

    /// <summary>Round places on an axis of seconds from 0 to <paramref name="end"/>, with their labels.</summary>
    public static IEnumerable<(double At, string Label)> TimeTicks(double end)
    {
        if (end <= 0) yield break;
        (double unit, string name) = s_timeUnits.FirstOrDefault(u => end >= 2 * u.Seconds, s_timeUnits[^1]);
        double step = RoundStep(end / unit / 5);
        for (int i = 0; i * step * unit <= end; i++) yield return (i * step * unit, i == 0 ? "0" : Invariant($"{i * step:#,0.##} {name}"));
    }

    /// <summary>Text with invariant numbers.</summary>
    public static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    // 1, 2 or 5 times a power of ten, at least the given step.
    private static double RoundStep(double step)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(step)));
        return power * ((step / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 });
    }
}
