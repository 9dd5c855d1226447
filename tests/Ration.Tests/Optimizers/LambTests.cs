using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class LambTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 33)]
    [InlineData(65, 129)]
    [InlineData(0, 37)]
    public void Steps_are_Adam_s_scaled_to_the_parameter(int rows, int columns)
    {
        int count = Math.Max(1, rows) * columns;
        double[] p = OptimizerTrial.Normal(count, 1), m = new double[count], v = new double[count], u = new double[count];
        using OptimizerTrial trial = new(new Lamb(0.9f, 0.99f, 1e-6f, 0.1f), p, rows == 0 ? new Shape(columns) : new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] g = OptimizerTrial.Normal(count, 100 + step, 0.1);
            double rate = 0.01 / step;
            trial.Step(g, rate);
            for (int i = 0; i < count; i++)
            {
                m[i] = (0.9 * m[i]) + (0.1 * g[i]);
                v[i] = (0.99 * v[i]) + (0.01 * g[i] * g[i]);
                u[i] = m[i] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.99, step))) + 1e-6);
                if (rows > 0) u[i] += 0.1 * p[i];
            }

            double ratio = Math.Sqrt(p.Sum(static x => x * x) / u.Sum(static x => x * x));
            for (int i = 0; i < count; i++) p[i] -= rate * ratio * u[i];
        }

        OptimizerTrial.AssertClose(p, trial.Parameter);
        OptimizerTrial.AssertClose(m, trial.State("first_moment"));
        OptimizerTrial.AssertClose(v, trial.State("second_moment"));
        Assert.Equal(8L * count, trial.StateBytes);
    }

    [Fact]
    public void A_parameter_at_zero_moves_and_one_without_gradient_stays()
    {
        using OptimizerTrial zero = new(new Lamb(), new double[3], new Shape(3)), still = new(new Lamb(), [1, 2, 3], new Shape(3));
        zero.Step([1, 1, -1], 0.5);
        OptimizerTrial.AssertClose([-0.5, -0.5, 0.5], zero.Parameter, 1e-5);
        still.Step(new double[3], 0.5);
        Assert.Equal([1.0, 2, 3], still.Parameter);
    }
}
