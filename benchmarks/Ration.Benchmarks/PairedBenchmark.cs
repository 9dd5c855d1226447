using System.Diagnostics;
using System.Globalization;

namespace Ration.Benchmarks;

/// <summary>
/// Runs two sides of a comparison alternately and reports the median of each and the ratio of the medians, so that whatever else
/// the machine does meets both. The order within a round changes from round to round.
/// </summary>
/// <param name="left">Name of the side under test.</param>
/// <param name="right">Name of the side it is compared with.</param>
/// <param name="unit">What a rate counts, for instance GFLOP/s.</param>
/// <param name="rounds">Rounds; an odd number makes the median one of the measurements.</param>
internal sealed class PairedBenchmark(string left, string right, string unit, int rounds)
{
    // Threads of the side that ran last still spin for a while; the next side starts on an idle machine.
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan s_batch = TimeSpan.FromMilliseconds(60);

    /// <summary>Prints the head of the table.</summary>
    public void WriteHead() =>
        Console.WriteLine($"{"",-34} {left + " " + unit,18} {"min … max",17} {right + " " + unit,18} {"min … max",17} {"ratio",7}");

    /// <summary>Measures one pair and prints its line.</summary>
    /// <param name="name">What is measured.</param>
    /// <param name="work">Units of <c>unit</c>·seconds in one call of either side.</param>
    /// <param name="leftSide">One call of the side under test.</param>
    /// <param name="rightSide">One call of the other side.</param>
    /// <returns>Median rate of the left side over that of the right.</returns>
    public double Compare(string name, double work, Action leftSide, Action rightSide)
    {
        int leftCalls = Calibrate(leftSide), rightCalls = Calibrate(rightSide);
        var leftRates = new double[rounds];
        var rightRates = new double[rounds];
        for (int round = 0; round < rounds; round++)
        {
            if (round % 2 == 0) leftRates[round] = work / Seconds(leftSide, leftCalls);
            rightRates[round] = work / Seconds(rightSide, rightCalls);
            if (round % 2 != 0) leftRates[round] = work / Seconds(leftSide, leftCalls);
        }

        Array.Sort(leftRates);
        Array.Sort(rightRates);
        double ratio = leftRates[rounds / 2] / rightRates[rounds / 2];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-34} {leftRates[rounds / 2],18:F1} {Range(leftRates),17} {rightRates[rounds / 2],18:F1} {Range(rightRates),17} {ratio,7:F3}"));
        return ratio;
    }

    private static string Range(double[] sorted) => string.Create(CultureInfo.InvariantCulture, $"{sorted[0]:F1} … {sorted[^1]:F1}");

    // Enough calls that compilation is over and one measurement lasts a batch.
    private static int Calibrate(Action side)
    {
        var watch = Stopwatch.StartNew();
        for (int call = 0; call < 3 || watch.Elapsed < 3 * s_batch; call++) side();
        return Math.Max(1, (int)(s_batch.TotalSeconds / Seconds(side, 1)));
    }

    private static double Seconds(Action side, int calls)
    {
        Thread.Sleep(s_settle);
        side();
        long start = Stopwatch.GetTimestamp();
        for (int call = 0; call < calls; call++) side();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / calls;
    }
}
