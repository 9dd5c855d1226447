using Ration.Graphs.Ops;
using Ration.Tests.Graphs.Reference;

namespace Ration.Tests.Graphs.Ops;

/// <summary>The constants of the two-bit slopes are the best there are: a fit from elsewhere ends where they are.</summary>
public sealed class TwoBitSlopesTests
{
    [Theory]
    [InlineData(ActivationFunction.Gelu)]
    [InlineData(ActivationFunction.Silu)]
    public void The_constants_are_the_least_squares_fit(ActivationFunction function)
    {
        TwoBitSlopes s = TwoBitSlopes.Of(function);
        double[] published = [s.FirstSlope, s.SecondSlope - s.FirstSlope, s.FirstThreshold, s.SecondThreshold];
        double least = Error(function, published);
        double[] fitted = Fit(function, [-0.03, 1.06, 0.8 * s.FirstThreshold, 0.2]);
        Assert.InRange(Error(function, fitted), 0.999 * least, 1.001 * least);
        for (int i = 0; i < fitted.Length; i++) Assert.Equal(published[i], fitted[i], 0.01 * Math.Max(1, Math.Abs(published[i])));
        // The third term follows from the first two: slopes add up to one, and there is no offset far out.
        double third = 1 - published[0] - published[1];
        Assert.Equal(-((published[0] * published[2]) + (published[1] * published[3])) / third, s.ThirdThreshold, 1e-3);
    }

    [Fact]
    public void The_tanh_form_is_as_near_to_the_shared_constants()
    {
        TwoBitSlopes s = TwoBitSlopes.Of(ActivationFunction.GeluTanh);
        double[] shared = [s.FirstSlope, s.SecondSlope - s.FirstSlope, s.FirstThreshold, s.SecondThreshold];
        Assert.InRange(Error(ActivationFunction.GeluTanh, shared) / Error(ActivationFunction.Gelu, shared), 0.95, 1.05);
    }

    // ∫ (f(x) − Σ aᵢ·max(x − cᵢ, 0))² dx; beyond the ends both are as good as equal.
    private static double Error(ActivationFunction function, double[] p)
    {
        const double End = 25, Step = 0.02;
        double third = 1 - p[0] - p[1], last = -((p[0] * p[2]) + (p[1] * p[3])) / third, sum = 0;
        for (double x = -End; x <= End; x += Step)
        {
            double difference = ActivationReference.Of(function, x) - (p[0] * Math.Max(x - p[2], 0)) - (p[1] * Math.Max(x - p[3], 0)) - (third * Math.Max(x - last, 0));
            sum += difference * difference * Step;
        }

        return sum;
    }

    // Search along each coordinate with steps that shrink where nothing is gained.
    private static double[] Fit(ActivationFunction function, double[] start)
    {
        double[] best = [.. start], steps = [0.01, 0.01, 0.5, 0.1];
        double error = Error(function, best);
        for (int round = 0; round < 600 && steps.Max() > 1e-6; round++)
        {
            bool gained = false;
            for (int i = 0; i < best.Length; i++)
            {
                foreach (double move in (double[])[steps[i], -steps[i]])
                {
                    double[] moved = [.. best];
                    moved[i] += move;
                    double other = Error(function, moved);
                    if (!(other < error)) continue;
                    (best, error, gained) = (moved, other, true);
                    break;
                }
            }

            if (!gained) steps = [.. steps.Select(static s => s / 2)];
        }

        return best;
    }
}
