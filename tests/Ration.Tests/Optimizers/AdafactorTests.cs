using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class AdafactorTests
{
    [Theory]
    [InlineData(1, 1, false, 0f)]
    [InlineData(7, 33, false, 0f)]
    [InlineData(65, 129, true, 0f)]
    [InlineData(33, 7, true, 0.9f)]
    [InlineData(0, 37, false, 0f)]
    [InlineData(0, 37, true, 0.5f)]
    public void It_is_the_paper_s_algorithm_with_the_rate_of_the_run(int rows, int columns, bool scale, float beta1)
    {
        int count = Math.Max(1, rows) * columns;
        double[] p = OptimizerTrial.Normal(count, 1, 0.1), m = new double[count];
        FactoredMoment moment = new(rows, columns);
        using OptimizerTrial trial = new(new Adafactor(ScaleByParameter: scale, Beta1: beta1), p, rows == 0 ? new Shape(columns) : new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            // Every few steps a gradient is far larger than the mean: the update has to be clipped.
            double[] g = OptimizerTrial.Normal(count, 100 + step, step % 5 == 0 ? 10 : 0.1);
            double rate = 0.02 / step;
            trial.Step(g, rate);
            double[] u = moment.Normalize(g, 1 - Math.Pow(step, -(double)0.8f));
            double clip = Math.Max(1, FactoredMoment.RootMeanSquare(u));
            double size = scale ? Math.Max(1e-3, FactoredMoment.RootMeanSquare(p)) : 1;
            for (int i = 0; i < count; i++)
            {
                m[i] = (beta1 * m[i]) + ((1 - beta1) * u[i] / clip);
                p[i] -= rate * size * m[i];
            }
        }

        OptimizerTrial.AssertClose(p, trial.Parameter);
        if (beta1 != 0) OptimizerTrial.AssertClose(m, trial.State("momentum"));
        if (rows > 0) OptimizerTrial.AssertClose(moment.Rows, trial.State("row_squares"));
        OptimizerTrial.AssertClose(moment.Columns, trial.State(rows > 0 ? "column_squares" : "squares"));
        Assert.Equal(4L * (rows + columns + (beta1 != 0 ? count : 0)), trial.StateBytes);
    }

    [Fact]
    public void Gradients_too_small_to_square_still_move_a_parameter()
    {
        double[] g = OptimizerTrial.Normal(15, 3, 1e-18), p = new double[15];
        using OptimizerTrial trial = new(new Adafactor(), p, new Shape(3, 5));
        trial.Step(new double[15], 0.1);
        Assert.Equal(p, trial.Parameter);
        trial.Step(g, 0.1);
        double[] u = new FactoredMoment(3, 5).Normalize(g, 0);
        Assert.All(trial.Parameter.Zip(u), static pair => Assert.Equal(-Math.Sign(pair.Second), Math.Sign(pair.First)));
    }

    [Fact]
    public void A_stack_of_matrices_is_one_tall_matrix()
    {
        double[] p = OptimizerTrial.Normal(42, 1), g = OptimizerTrial.Normal(42, 2);
        using OptimizerTrial stack = new(new Adafactor(), p, new Shape(2, 3, 7)), tall = new(new Adafactor(), p, new Shape(6, 7));
        stack.Step(g, 0.1);
        tall.Step(g, 0.1);
        Assert.Equal(tall.Parameter, stack.Parameter);
        Assert.Equal(4 * 13, stack.StateBytes);
    }
}
