namespace Ration.Tests.Devices.Cpu.Kernels;

/// <summary>Comparisons and inputs shared by the kernel tests.</summary>
internal static class Check
{
    /// <summary>Counts around every vector width and unrolling, then some larger ones.</summary>
    public static IEnumerable<int> Counts => [.. Enumerable.Range(0, 34), 63, 64, 65, 127, 128, 129, 1000];

    /// <summary>Reproducible numbers within ±scale.</summary>
    public static float[] Random(long count, int seed, double scale = 1)
    {
        Random random = new(seed);
        float[] values = new float[count];
        for (int i = 0; i < values.Length; i++) values[i] = (float)(((random.NextDouble() * 2) - 1) * scale);
        return values;
    }

    /// <summary>
    /// Every element within tolerance of its own magnitude or of <paramref name="floor"/>, whichever is more; NaN and infinities
    /// exactly.
    /// </summary>
    public static void Close(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, double floor = 1e-30,
        string what = "")
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < actual.Length; i++)
        {
            double allowed = tolerance * Math.Max(Math.Abs(expected[i]), floor);
            bool close = double.IsFinite(expected[i])
                ? Math.Abs(expected[i] - actual[i]) <= allowed
                : expected[i].Equals((double)actual[i]);
            if (!close) Assert.Fail($"{what} element {i} of {actual.Length}: expected {expected[i]:R}, got {actual[i]:R}");
        }
    }

    /// <summary>The same bits.</summary>
    public static void Same(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what = "")
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < actual.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]))
                Assert.Fail($"{what} element {i} of {actual.Length}: expected {expected[i]:R}, got {actual[i]:R}");
        }
    }

    /// <summary>Distance in units in the last place of the expected value, subnormal spacing included.</summary>
    public static double Ulps(double expected, float actual)
    {
        if (double.IsNaN(expected)) return float.IsNaN(actual) ? 0 : double.PositiveInfinity;
        float nearest = (float)expected;
        if (float.IsInfinity(nearest)) return nearest.Equals(actual) ? 0 : float.IsInfinity(actual) ? double.PositiveInfinity : 1;
        float above = MathF.BitIncrement(MathF.Abs(nearest));
        double unit = float.IsInfinity(above) ? Math.ScaleB(1, 104) : (double)above - MathF.Abs(nearest);
        return Math.Abs(expected - actual) / unit;
    }
}
