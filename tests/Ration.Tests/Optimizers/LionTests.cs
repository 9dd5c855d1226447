using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class LionTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 33)]
    [InlineData(65, 129)]
    public void Steps_have_the_sign_of_a_mean_of_gradients(int rows, int columns)
    {
        int count = rows * columns;
        double[] p = OptimizerTrial.Normal(count, 1), m = new double[count];
        using OptimizerTrial trial = new(new Lion(0.9f, 0.99f, 0.5f), p, new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] g = OptimizerTrial.Normal(count, 100 + step, 0.1);
            double rate = 0.01 / step;
            trial.Step(g, rate);
            for (int i = 0; i < count; i++)
            {
                p[i] = (p[i] * (1 - (rate * 0.5))) - (rate * Math.Sign((0.9 * m[i]) + (0.1 * g[i])));
                m[i] = (0.99 * m[i]) + (0.01 * g[i]);
            }
        }

        OptimizerTrial.AssertClose(p, trial.Parameter);
        OptimizerTrial.AssertClose(m, trial.State("momentum"));
        Assert.Equal(4L * count, trial.StateBytes);
    }

    [Fact]
    public void Vectors_are_not_decayed_and_no_gradient_is_no_step()
    {
        double[] p = OptimizerTrial.Normal(17, 1);
        using OptimizerTrial trial = new(new Lion(WeightDecay: 5), p, new Shape(17));
        trial.Step(new double[17], 0.1);
        Assert.Equal(p, trial.Parameter);
    }
}
