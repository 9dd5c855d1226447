using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Reference;

/// <summary>Estimates from some rows, and random projections.</summary>
internal static class SamplingReference
{
    /// <summary>Rows, numbers and weights.</summary>
    public static double[][] Choose(WinnerTakeAllRows op, double[] x, double[] key, int width)
    {
        double[] lengths = [.. x.Chunk(width).Select(static row => Math.Sqrt(row.Sum(static v => v * v)))];
        double total = lengths.Sum();
        int[] order = [.. Enumerable.Range(0, lengths.Length).OrderByDescending(i => lengths[i])];
        int winners = op.Chosen == lengths.Length ? op.Chosen
            : Enumerable.Range(0, op.Chosen).MinBy(c => (1 - (order.Take(c).Sum(i => lengths[i]) / total)) / (op.Chosen - c));
        int[] others = order[winners..];
        double rest = others.Sum(i => lengths[i]);
        List<(int Number, double Weight)> chosen = [.. order.Take(winners).Select(static i => (i, 1.0))];
        CounterRandom random = new((ulong)(long)key[0], Stream(op.Site, key));
        for (int draw = winners; draw < op.Chosen; draw++)
        {
            double target = random.Uniform((ulong)draw) * rest, sum = 0;
            int number = others.First(i => (sum += lengths[i]) > target);
            chosen.Add((number, rest / ((op.Chosen - winners) * lengths[number])));
        }

        return [[.. chosen.SelectMany(c => x[(c.Number * width)..((c.Number + 1) * width)])], [.. chosen.Select(static c => (double)c.Number)], [.. chosen.Select(static c => c.Weight)]];
    }

    /// <summary>Weighted rows.</summary>
    public static double[] Gather(double[] x, double[] numbers, double[] weights, int width) =>
        [.. numbers.Zip(weights).SelectMany(p => x.Skip((int)p.First * width).Take(width).Select(v => v * p.Second))];

    /// <summary>Normal numbers of variance 1/rank.</summary>
    public static double[] Projection(GaussianProjection op, double[] key) =>
        TokenReference.RandomMatrix(new RandomMatrix(op.Width, op.Rank, (float)Math.Sqrt(1.0 / op.Rank), (ulong)(long)key[0], Stream(op.Site, key)), 0);

    private static ulong Stream(int site, double[] key) => (1UL << 62) | (((ulong)site << 38) ^ (ulong)(long)key[1]);
}
