using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class SgdTests
{
    [Theory]
    [InlineData(1, 1, 0.9f)]
    [InlineData(7, 33, 0.5f)]
    [InlineData(65, 129, 0f)]
    public void It_follows_the_gradient_with_momentum_or_without(int rows, int columns, float momentum)
    {
        int count = rows * columns;
        double[] p = OptimizerTrial.Normal(count, 1), v = new double[count];
        using OptimizerTrial trial = new(new Sgd(momentum, 0.1f), p, new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] g = OptimizerTrial.Normal(count, 100 + step, 0.1);
            double rate = 0.1 / step;
            trial.Step(g, rate);
            for (int i = 0; i < count; i++)
            {
                v[i] = (momentum * v[i]) + g[i];
                p[i] = (p[i] * (1 - (rate * 0.1))) - (rate * v[i]);
            }
        }

        OptimizerTrial.AssertClose(p, trial.Parameter);
        Assert.Equal(momentum == 0 ? 0 : 4L * count, trial.StateBytes);
    }

    [Fact]
    public void Plain_descent_and_Lomo_are_one_rule_without_state()
    {
        double[] p = OptimizerTrial.Normal(21, 1), g = OptimizerTrial.Normal(21, 2);
        using OptimizerTrial plain = new(OptimizerCatalog.Create("sgd-plain", new OptimizerSettings()), p, new Shape(3, 7));
        using OptimizerTrial lomo = new(OptimizerCatalog.Create("lomo", new OptimizerSettings()), p, new Shape(3, 7));
        plain.Step(g, 0.1);
        lomo.Step(g, 0.1);
        Assert.Equal(plain.Parameter, lomo.Parameter);
        OptimizerTrial.AssertClose([.. p.Zip(g, static (x, y) => x - (0.1 * y))], lomo.Parameter);
        Assert.Equal(0, plain.StateBytes + lomo.StateBytes);
    }
}
