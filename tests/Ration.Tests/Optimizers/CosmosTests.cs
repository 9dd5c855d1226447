using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class CosmosTests
{
    private const ulong Seed = 9;

    [Theory]
    [InlineData(7, 33, 3)]
    [InlineData(65, 19, 4)]
    [InlineData(6, 6, 6)]
    public void It_is_SOAP_in_the_leading_subspace_and_Muon_in_the_rest(int rows, int columns, int rank)
    {
        Matrix64 w = Matrix64.Normal(rows, columns, 1), m = new(rows, columns), v = new(rows, rank), s = new(rank, rank);
        Matrix64 u = Matrix64.Random("subspace", columns, rank, 1, Seed, 0);
        using OptimizerTrial trial = new(new Cosmos(rank, Seed: Seed), w.Elements, new Shape(rows, columns));
        for (int step = 1; step <= 12; step++)
        {
            double rate = 0.1 / step, bias = 1 - Math.Pow(0.95f, step);
            Matrix64 g = Matrix64.Normal(rows, columns, 100 + step, 0.1) + Matrix64.Of(rows, columns, static (i, j) => i == j ? 1.0 / (i + 1) : 0);
            trial.Step(g.Elements, rate);
            m = Mean(m, g);
            Matrix64 next = Mean(u * s, g.Transposed * (g * u)).Orthonormalized, turn = u.Transposed * next;
            s = Mean(turn.Transposed * (s * turn), (g * next).Transposed * (g * next));
            u = next;
            v = Mean(v, (g * u).Map(static x => x * x));
            Matrix64 a = (m * u).Zip(v, (x, y) => x / bias / Math.Sqrt((y + 1e-16) / bias)) * u.Transposed;
            double size = Math.Sqrt(rows * columns);
            Matrix64 both = a;
            if (rank < columns)
            {
                Matrix64 b = MuonTests.Orthogonalized(m - (m * u * u.Transposed));
                both = a + (0.2 * size / (b.Norm + 1e-8) * b);
            }

            w = ((1 - (rate * 0.1)) * w) - (rate * 0.2 * size / (both.Norm + 1e-8) * both);
        }

        OptimizerTrial.AssertClose(w.Elements, trial.Parameter, 3e-5);
        OptimizerTrial.AssertClose(m.Elements, trial.State("first_moment"));
        OptimizerTrial.AssertClose(v.Elements, trial.State("second_moment"), 1e-4);
        OptimizerTrial.AssertClose(u.Elements, trial.State("basis"), 1e-4);
        OptimizerTrial.AssertClose(s.Elements, trial.State("inner"), 1e-4);
        Assert.Equal(4L * ((rows * columns) + (rows * rank) + (columns * rank) + (rank * rank)), trial.StateBytes);

        static Matrix64 Mean(Matrix64 old, Matrix64 fresh) => (0.95f * old) + ((1 - 0.95f) * fresh);
    }

    [Fact]
    public void A_row_without_gradient_does_not_break_it_whatever_epsilon_is()
    {
        using OptimizerTrial trial = new(new Cosmos(2, Epsilon: 1e-30f, WeightDecay: 0), new double[60], new Shape(6, 10));
        trial.Step([.. new double[10], .. OptimizerTrial.Normal(50, 3)], 0.5);
        Assert.All(trial.Parameter, static x => Assert.True(double.IsFinite(x)));
        Assert.Equal(0.1, Math.Sqrt(trial.Parameter.Average(static x => x * x)), 1e-6);
    }

    [Fact]
    public void Every_step_is_of_the_same_size()
    {
        foreach (double scale in (double[])[1e-6, 1, 1e3])
        {
            using OptimizerTrial trial = new(new Cosmos(2, WeightDecay: 0), new double[60], new Shape(6, 10));
            trial.Step(OptimizerTrial.Normal(60, 3, scale), 0.5);
            Assert.Equal(0.1, Math.Sqrt(trial.Parameter.Average(static x => x * x)), 1e-6);
        }
    }
}
