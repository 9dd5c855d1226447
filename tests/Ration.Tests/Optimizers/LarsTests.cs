using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class LarsTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 33)]
    [InlineData(65, 129)]
    [InlineData(0, 37)]
    public void Rates_are_scaled_by_norms_parameter_by_parameter(int rows, int columns)
    {
        int count = Math.Max(1, rows) * columns;
        double decay = rows > 0 ? 0.01 : 0;
        double[] p = OptimizerTrial.Normal(count, 1), v = new double[count];
        using OptimizerTrial trial = new(new Lars(0.9f, 0.01f, 0.002f), p, rows == 0 ? new Shape(columns) : new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] g = OptimizerTrial.Normal(count, 100 + step, 0.1);
            double rate = 5.0 / step;
            trial.Step(g, rate);
            double norm = Math.Sqrt(p.Sum(static x => x * x));
            double local = 0.002 * norm / (Math.Sqrt(g.Sum(static x => x * x)) + (decay * norm));
            for (int i = 0; i < count; i++)
            {
                v[i] = (0.9 * v[i]) + (rate * local * (g[i] + (decay * p[i])));
                p[i] -= v[i];
            }
        }

        OptimizerTrial.AssertClose(p, trial.Parameter);
        OptimizerTrial.AssertClose(v, trial.State("velocity"));
        Assert.Equal(4L * count, trial.StateBytes);
    }

    [Fact]
    public void A_parameter_at_zero_moves_and_one_without_gradient_stays()
    {
        using OptimizerTrial zero = new(new Lars(), new double[3], new Shape(3)), still = new(new Lars(), [1, 2, 3], new Shape(3));
        zero.Step([1, 1, -1], 0.5);
        OptimizerTrial.AssertClose([-0.5, -0.5, 0.5], zero.Parameter);
        still.Step(new double[3], 0.5);
        Assert.Equal([1.0, 2, 3], still.Parameter);
    }
}
