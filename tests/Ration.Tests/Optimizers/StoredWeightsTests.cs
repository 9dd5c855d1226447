using Ration.Optimizers;
using Ration.Planning.Passes;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

/// <summary>Updates that are smaller than the steps of the storage: rounding to nearest would lose them all.</summary>
public class StoredWeightsTests
{
    private const int Rows = 32, Columns = 96, Count = Rows * Columns, Steps = 200;

    [Theory]
    [InlineData(WeightFormat.BF16)]
    [InlineData(WeightFormat.Int8)]
    public void Small_updates_count_on_average(WeightFormat format)
    {
        double[] p = OptimizerTrial.Normal(Count, 1), g = new double[Count];
        for (int i = 0; i < Count; i++) (p[i], g[i]) = (1 + (0.1 * Math.Abs(p[i])), 1);
        using OptimizerTrial trial = new(new Sgd(0), p, new Shape(Rows, Columns), weights: format);
        double[] before = trial.Parameter;
        for (int step = 0; step < Steps; step++) trial.Step(g, 2e-4);
        double moved = trial.Parameter.Zip(before, static (a, b) => b - a).Average();
        Assert.Equal(Steps * 2e-4, moved, 1e-3);
    }

    [Fact]
    public void Compensated_weights_are_right_to_the_bits_of_both()
    {
        double[] p = [.. OptimizerTrial.Normal(Count, 1).Select(static v => (double)(BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits((float)v) & unchecked((int)0xFFFF0000))))];
        using OptimizerTrial trial = new(new Sgd(0.9f), p, new Shape(Rows, Columns), weights: WeightFormat.CompensatedBF16), plain = new(new Sgd(0.9f), p, new Shape(Rows, Columns));
        for (int step = 0; step < 50; step++)
        {
            double[] g = OptimizerTrial.Normal(Count, 100 + step);
            trial.Step(g, 1e-4);
            plain.Step(g, 1e-4);
        }

        double[] sum = [.. trial.Parameter.Zip(trial.State("compensation"), static (a, b) => a + b)], expected = plain.Parameter;
        for (int i = 0; i < Count; i++)
        {
            Assert.InRange(sum[i] - expected[i], (-2e-4 * Math.Abs(expected[i])) - 1e-5, (2e-4 * Math.Abs(expected[i])) + 1e-5);
            Assert.InRange(trial.Parameter[i] - sum[i], -Math.Abs(sum[i]) / 256 - 1e-9, (Math.Abs(sum[i]) / 256) + 1e-9);
        }

        // The velocity in F32, the compensation in two bytes.
        Assert.Equal((4L + 2) * Count, trial.StateBytes);
        Assert.True(expected.Zip(p, static (a, b) => Math.Abs(a - b)).Max() > 1e-3, "nothing moved");
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_weight_that_is_no_number_is_seen_in_eight_bits_too(double gradient)
    {
        using OptimizerTrial trial = new(new Sgd(0), OptimizerTrial.Normal(Count, 1), new Shape(Rows, Columns), weights: WeightFormat.Int8);
        double[] g = new double[Count];
        g[77] = gradient;
        trial.Step(g, 1e-3);
        Assert.Contains(trial.Parameter[64..96], static x => !double.IsFinite(x));
        Assert.All(trial.Parameter[..64], static x => Assert.True(double.IsFinite(x)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Chances_depend_on_the_step_and_not_on_threads(int threads)
    {
        double[] p = OptimizerTrial.Normal(Count, 1), g = OptimizerTrial.Normal(Count, 2);
        using OptimizerTrial one = new(new Sgd(0), p, new Shape(Rows, Columns), weights: WeightFormat.BF16),
            other = new(new Sgd(0), p, new Shape(Rows, Columns), threads: threads, weights: WeightFormat.BF16);
        one.Step(g, 1e-3);
        other.Step(g, 1e-3);
        Assert.Equal(one.Parameter, other.Parameter);
        double[] first = one.Parameter;
        one.Step(new double[Count], 1e-3);
        Assert.Equal(first, one.Parameter);
    }
}
