using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class AdamWSmallBatchTests
{
    [Theory]
    [InlineData(1 << 19)]
    [InlineData(4096)]
    [InlineData(1)]
    public void Squared_gradients_lose_half_in_the_same_number_of_tokens(long tokens)
    {
        double halfLife = tokens * Math.Log(0.5) / Math.Log(new AdamWSmallBatch(tokens).Beta2);
        Assert.Equal((1 << 19) * Math.Log(0.5) / Math.Log((double)0.95f), halfLife, 1e-6 * halfLife);
    }

    [Theory]
    [InlineData(7, 33, 128)]
    [InlineData(65, 129, 1 << 16)]
    public void Everything_else_is_AdamW(int rows, int columns, long tokens)
    {
        int count = rows * columns;
        double beta2 = Math.Pow(0.95f, tokens / (double)(1 << 19));
        double[] p = OptimizerTrial.Normal(count, 1), m = new double[count], v = new double[count];
        using OptimizerTrial trial = new(new AdamWSmallBatch(tokens), p, new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] g = OptimizerTrial.Normal(count, 100 + step, 0.1);
            double rate = 0.01 / step;
            trial.Step(g, rate);
            for (int i = 0; i < count; i++)
            {
                m[i] = (0.9 * m[i]) + (0.1 * g[i]);
                v[i] = (beta2 * v[i]) + ((1 - beta2) * g[i] * g[i]);
                double direction = m[i] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(v[i] / (1 - Math.Pow(beta2, step))) + 1e-8);
                p[i] = (p[i] * (1 - (rate * 0.1))) - (rate * direction);
            }
        }

        OptimizerTrial.AssertClose(p, trial.Parameter);
        OptimizerTrial.AssertClose(v, trial.State("second_moment"));
        Assert.Equal(8L * count, trial.StateBytes);
    }

    [Fact]
    public void It_must_know_the_tokens_of_a_step() =>
        Assert.Contains("must be told", Assert.Throws<ArgumentOutOfRangeException>(() => OptimizerCatalog.Create("adamw-small-batch", new OptimizerSettings())).Message, StringComparison.Ordinal);
}
