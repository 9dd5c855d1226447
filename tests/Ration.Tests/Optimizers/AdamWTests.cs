using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class AdamWTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 33)]
    [InlineData(65, 129)]
    public void It_is_Adam_with_decoupled_decay(int rows, int columns)
    {
        int count = rows * columns;
        double[] p = OptimizerTrial.Normal(count, 1), m = new double[count], v = new double[count];
        using OptimizerTrial trial = new(new AdamW(0.9f, 0.95f, 1e-8f, 0.1f), p, new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] g = OptimizerTrial.Normal(count, 100 + step, 0.1);
            double rate = 0.01 / step;
            trial.Step(g, rate);
            for (int i = 0; i < count; i++)
            {
                m[i] = (0.9 * m[i]) + (0.1 * g[i]);
                v[i] = (0.95 * v[i]) + (0.05 * g[i] * g[i]);
                double direction = m[i] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.95, step))) + 1e-8);
                p[i] = (p[i] * (1 - (rate * 0.1))) - (rate * direction);
            }
        }

        OptimizerTrial.AssertClose(p, trial.Parameter);
        OptimizerTrial.AssertClose(m, trial.State("first_moment"));
        OptimizerTrial.AssertClose(v, trial.State("second_moment"));
        Assert.Equal(8L * count, trial.StateBytes);
    }

    [Fact]
    public void Vectors_are_not_decayed()
    {
        double[] p = OptimizerTrial.Normal(17, 1);
        using OptimizerTrial trial = new(new AdamW(WeightDecay: 0.5f), p, new Shape(17));
        trial.Step(new double[17], 0.1);
        Assert.Equal(p, trial.Parameter);
    }
}
