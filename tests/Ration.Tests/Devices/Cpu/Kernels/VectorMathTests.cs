using Ration.Devices.Cpu.Kernels;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class VectorMathTests
{
    [Fact]
    public void The_exponential_is_within_one_ulp_and_right_at_its_ends() =>
        Accurate<Exponential>(Math.Exp, Points(-110, 95, [-104f, -103.97f, -87.34f, 88.72f, 88.73f, 89f, float.MinValue, float.MaxValue]),
            1.0);

    [Fact]
    public void The_logarithm_is_within_one_and_a_half_ulps_and_right_at_its_ends() =>
        Accurate<Logarithm>(Math.Log, Points(1e-6, 5, [1e-45f, 1e-40f, 1.17549435e-38f, -1f, float.MaxValue, 1.0000001f, 0.99999994f]),
            1.5);

    [Fact]
    public void The_hyperbolic_tangent_is_within_two_ulps() =>
        Accurate<HyperbolicTangent>(Math.Tanh, Points(-11, 11, [0.625f, 0.62499994f, 1e-30f, -1e-42f, 100f, -1e30f]), 2.0);

    [Fact]
    public void The_sigmoid_is_within_two_and_a_half_ulps() =>
        Accurate<Sigmoid>(x => 1 / (1 + Math.Exp(-x)), Points(-87, 60, [100f, 1e30f]), 2.5);

    [Fact]
    public void The_normal_distribution_is_accurate_deep_into_its_tail() =>
        Accurate<Cumulative>(x => x is < -5 ? Tail(-x) : 0.5 * Erfc(-x / Math.Sqrt(2)), Points(-12.9, 12, [0f]), 4.5);

    [Fact]
    public void Sine_and_cosine_hold_in_every_quadrant()
    {
        for (int quarters = -9; quarters <= 9; quarters++)
        {
            for (float rest = -0.5f; rest <= 0.5f; rest += 1 / 256f)
            {
                double angle = Math.PI / 2 * (quarters + (double)rest);
                Lanes1 sine = VectorMath.SineCosine(new Lanes1(quarters), new Lanes1(rest), out Lanes1 cosine);
                Assert.InRange(Math.Abs(Math.Sin(angle) - sine.Value), 0, 1e-7);
                Assert.InRange(Math.Abs(Math.Cos(angle) - cosine.Value), 0, 1e-7);
            }
        }
    }

    [Fact]
    public void A_number_gets_the_same_result_in_a_vector_and_in_the_tail()
    {
        float[] points = Points(-20, 20, [1e-30f]);
        SameEverywhere<Exponential>(points);
        SameEverywhere<Logarithm>(points);
        SameEverywhere<HyperbolicTangent>(points);
        SameEverywhere<Cumulative>(points);
        SameEverywhere<SineOfTurns>(points);
    }

    private static float[] Points(double low, double high, float[] more)
    {
        List<float> points = [0f, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, .. more];
        for (int i = 0; i <= 60_000; i++) points.Add((float)(low + ((high - low) * i / 60_000)));
        return [.. points];
    }

    private static void Accurate<TOperator>(Func<double, double> truth, float[] points, double ulps)
        where TOperator : struct, IUnaryOperator
    {
        using Guarded<float> x = new(points, 1);
        using Guarded<float> y = new(points.Length, 3);
        ElementwiseLoops.Unary<TOperator>(x, y, points.Length);
        double worst = 0;
        for (int i = 0; i < points.Length; i++)
        {
            double off = Check.Ulps(truth(points[i]), y.Span[i]);
            worst = Math.Max(worst, off);
            if (off > ulps) Assert.Fail($"{typeof(TOperator).Name}({points[i]:R}) is {y.Span[i]:R}, {off:F2} ulps from {truth(points[i]):R}");
        }

        TestContext.Current.SendDiagnosticMessage("{0}: {1:F2} ulps", typeof(TOperator).Name, worst);
    }

    private static void SameEverywhere<TOperator>(float[] points)
        where TOperator : struct, IUnaryOperator
    {
        using Guarded<float> x = new(points);
        using Guarded<float> together = new(points.Length);
        using Guarded<float> alone = new(points.Length);
        ElementwiseLoops.Unary<TOperator>(x, together, points.Length);
        for (int i = 0; i < points.Length; i++) ElementwiseLoops.Unary<TOperator>(x.Pointer + i, alone.Pointer + i, 1);
        for (int i = 0; i < points.Length; i++)
            Assert.True(together.Span[i].Equals(alone.Span[i]),
                $"{typeof(TOperator).Name}({points[i]:R}): {together.Span[i]:R} and {alone.Span[i]:R}");
    }

    // Asymptotic continued fraction, exact to double for x > 5.
    private static double Tail(double x)
    {
        double fraction = x;
        for (int k = 200; k > 0; k--) fraction = x + (k / fraction);
        return Math.Exp(-x * x / 2) / fraction / Math.Sqrt(2 * Math.PI);
    }

    private static double Erfc(double x) => 1 - Reference.Erf(x);

    private readonly struct Cumulative : IUnaryOperator
    {
        public static T Do<T>(T x)
            where T : unmanaged, ILanes<T> => VectorMath.NormalDistribution(x, out _);
    }

    private readonly struct SineOfTurns : IUnaryOperator
    {
        public static T Do<T>(T x)
            where T : unmanaged, ILanes<T> => VectorMath.SineCosine(T.Round(x), x - T.Round(x), out T cosine) + cosine;
    }
}
