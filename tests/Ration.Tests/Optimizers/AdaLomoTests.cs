using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class AdaLomoTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 33)]
    [InlineData(65, 129)]
    [InlineData(0, 37)]
    public void Updates_are_normalized_parameter_by_parameter(int rows, int columns)
    {
        int count = Math.Max(1, rows) * columns;
        double[] p = OptimizerTrial.Normal(count, 1, 0.1);
        FactoredMoment moment = new(rows, columns);
        using OptimizerTrial trial = new(new AdaLomo(), p, rows == 0 ? new Shape(columns) : new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] g = OptimizerTrial.Normal(count, 100 + step, step % 5 == 0 ? 10 : 0.1);
            double rate = 0.1 / step;
            trial.Step(g, rate);
            double[] u = moment.Normalize(g, 1 - Math.Pow(step, -(double)0.8f));
            double clip = Math.Max(1, FactoredMoment.RootMeanSquare(u)), size = Math.Max(1e-3, FactoredMoment.RootMeanSquare(p));
            for (int i = 0; i < count; i++) p[i] -= rate * u[i] / clip * size;
        }

        OptimizerTrial.AssertClose(p, trial.Parameter);
        Assert.Equal(4L * (rows + columns), trial.StateBytes);
    }

    [Fact]
    public void A_parameter_at_zero_moves()
    {
        using OptimizerTrial trial = new(new AdaLomo(), new double[6], new Shape(2, 3));
        trial.Step([1, 1, 1, -1, -1, -1], 0.5);
        OptimizerTrial.AssertClose([-5e-4, -5e-4, -5e-4, 5e-4, 5e-4, 5e-4], trial.Parameter);
    }
}
