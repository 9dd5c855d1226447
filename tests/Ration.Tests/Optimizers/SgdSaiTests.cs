using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class SgdSaiTests
{
    [Theory]
    [InlineData(1, 2)]
    [InlineData(7, 33)]
    [InlineData(65, 129)]
    [InlineData(0, 37)]
    public void Rates_are_scaled_once_by_the_first_gradient_s_signal_to_noise(int rows, int columns)
    {
        int count = Math.Max(1, rows) * columns;
        double decay = rows > 0 ? 0.1 : 0, ratio = 0;
        double[] p = OptimizerTrial.Normal(count, 1), m = new double[count];
        using OptimizerTrial trial = new(new SgdSai(0.9f, 1e-3f, 0.1f), p, rows == 0 ? new Shape(columns) : new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] g = [.. OptimizerTrial.Normal(count, 100 + step, 0.1 * step).Select(static x => (double)(float)(x + 0.05))];
            double rate = 0.01 / step;
            trial.Step(g, rate);
            double mean = g.Average();
            if (step == 1) ratio = Math.Sqrt(g.Sum(static x => x * x)) / (Math.Sqrt(g.Sum(x => (x - mean) * (x - mean)) / count) + 1e-3);
            for (int i = 0; i < count; i++)
            {
                m[i] = (0.9 * m[i]) + (0.1 * g[i]);
                p[i] = (p[i] * (1 - (rate * decay))) - (rate * ratio * m[i]);
            }
        }

        OptimizerTrial.AssertClose([ratio], trial.State("signal_to_noise"), 1e-5);
        OptimizerTrial.AssertClose(p, trial.Parameter, 1e-5);
        OptimizerTrial.AssertClose(m, trial.State("momentum"));
        Assert.Equal(4L * (count + 1), trial.StateBytes);
    }

    [Fact]
    public void The_ratio_takes_no_copy_of_the_gradient()
    {
        using OptimizerTrial trial = new(new SgdSai(), new double[300 * 300], new Shape(300, 300));
        Assert.InRange(trial.TransientBytes - trial.InputBytes, 0, 300 * 300);
    }
}
