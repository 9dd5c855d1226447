using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class VrgdTests
{
    [Theory]
    [InlineData(1, 1, 2, 0f, 1f)]
    [InlineData(7, 33, 2, 0f, 1f)]
    [InlineData(65, 129, 5, 0f, 0.5f)]
    [InlineData(33, 7, 4, 0.9f, 1f)]
    [InlineData(0, 37, 3, 0.5f, 0.25f)]
    public void Noisy_elements_move_less(int rows, int columns, int parts, float beta3, float clip)
    {
        int count = Math.Max(1, rows) * columns, least = 0, most = 0;
        double[] p = OptimizerTrial.Normal(count, 1), v = new double[count], average = new double[count];
        using OptimizerTrial trial = new(new Vrgd(new Sgd(0.5f), parts, 0.1f, beta3), p, rows == 0 ? new Shape(columns) : new Shape(rows, columns), clip: clip);
        for (int step = 1; step <= 20; step++)
        {
            double[] bias = OptimizerTrial.Normal(count, 50, 0.1);

            // Parts never quite agree: their variance would be a small difference of large numbers.
            double[][] part = [.. Enumerable.Range(0, parts).Select(
                i => OptimizerTrial.Normal(count, (100 * step) + i, 0.1).Zip(bias, (x, b) => b + ((i % 2 == 0 ? 1 : -1) * (0.01 + Math.Abs(x)))).ToArray())];
            double[] sum = [.. Enumerable.Range(0, count).Select(i => (double)(float)part.Sum(g => g[i]))],
                squares = [.. Enumerable.Range(0, count).Select(i => (double)(float)part.Sum(g => g[i] * g[i]))];
            trial.Step(sum, 0.01, squares);

            // A part's own gradient is parts · gᵢ, whose mean is the sum.
            double[] ratio = [.. sum.Select((s, i) => s * s / ((parts * squares[i]) - (s * s)))];
            double mean = ratio.Average();
            for (int i = 0; i < count; i++)
            {
                double confined = Math.Clamp(ratio[i] / mean, 0.1, 1);
                least += confined == 0.1 ? 1 : 0;
                most += confined == 1 ? 1 : 0;
                average[i] = (beta3 * average[i]) + ((1 - beta3) * confined);
                v[i] = (0.5 * v[i]) + (clip * sum[i] * average[i] / (1 - Math.Pow(beta3, step)));
                p[i] -= 0.01 * v[i];
            }
        }

        OptimizerTrial.AssertClose(p, trial.Parameter, 2e-5);
        Assert.True(count == 1 || (least > 0 && most > 0 && least + most < 20 * count), $"{least} and {most} of {20 * count}: the limits are not tested");
        Assert.Equal((beta3 == 0 ? 4L : 8L) * count, trial.StateBytes);
    }

    [Theory]
    [InlineData("vr-adamw", 0.9)]
    [InlineData("vr-lamb", 0.9)]
    [InlineData("vr-sgd", 0.0)]
    public void A_rule_within_sees_the_gradient_that_is_left(string name, double beta3)
    {
        const int Rows = 7, Columns = 33, Count = Rows * Columns, Parts = 4;
        double[] p = OptimizerTrial.Normal(Count, 1), average = new double[Count];
        IOptimizer inner = OptimizerCatalog.Create(name["vr-".Length..], new OptimizerSettings());
        using OptimizerTrial trial = new(OptimizerCatalog.Create(name, new OptimizerSettings { GradientParts = Parts }), p, new Shape(Rows, Columns)), within = new(inner, p, new Shape(Rows, Columns));
        for (int step = 1; step <= 10; step++)
        {
            double[][] part = [.. Enumerable.Range(0, Parts).Select(i => OptimizerTrial.Normal(Count, (100 * step) + i, 0.1))];
            double[] sum = [.. Enumerable.Range(0, Count).Select(i => (double)(float)part.Sum(g => g[i]))],
                squares = [.. Enumerable.Range(0, Count).Select(i => (double)(float)part.Sum(g => g[i] * g[i]))];
            double[] ratio = [.. sum.Select((s, i) => s * s / ((Parts * squares[i]) - (s * s)))];
            double mean = ratio.Average();
            for (int i = 0; i < Count; i++) average[i] = (beta3 * average[i]) + ((1 - beta3) * Math.Clamp(ratio[i] / mean, 0.1, 1));
            trial.Step(sum, 0.01, squares);
            within.Step([.. sum.Select((s, i) => s * average[i] / (1 - Math.Pow(beta3, step)))], 0.01);
        }

        OptimizerTrial.AssertClose(within.Parameter, trial.Parameter, 2e-5);
        Assert.Equal(within.StateBytes + (beta3 == 0 ? 0 : 4 * Count), trial.StateBytes);
    }

    [Fact]
    public void Parts_that_agree_and_parts_without_gradient_are_no_trouble()
    {
        double[] p = [1, 2, 3, 4];
        using OptimizerTrial trial = new(OptimizerCatalog.Create("vr-sgd", new OptimizerSettings()), p, new Shape(4));
        trial.Step(new double[4], 0.1, new double[4]);
        Assert.Equal(p, trial.Parameter);
        trial.Step([1, 1, 1, 1], 0.1, [0.5, 0.5, 0.5, 0.5]);
        OptimizerTrial.AssertClose([0.9, 1.9, 2.9, 3.9], trial.Parameter);
    }

    [Fact]
    public void One_part_is_refused() =>
        Assert.Contains("--micro-batch", Assert.Throws<InvalidInputException>(() => OptimizerCatalog.Create("vr-lamb", new OptimizerSettings { GradientParts = 1 })).Message, StringComparison.Ordinal);
}
