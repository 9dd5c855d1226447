using Ration.Optimizers;
using Ration.Tensors;
using Ration.Tests.Graphs.Reference;
using Ration.Tests.Optimizers.LowRank;

namespace Ration.Tests.Optimizers;

public class GaLoreTests
{
    [Theory]
    [InlineData(7, 33, 3)]
    [InlineData(33, 7, 3)]
    [InlineData(16, 16, 4)]
    [InlineData(65, 40, 33)]
    [InlineData(5, 9, 100)]
    public void It_is_Adam_in_a_subspace_that_follows_the_gradient(int rows, int columns, int rank)
    {
        int r = Math.Min(rank, Math.Min(rows, columns));
        double[] initial = OptimizerTrial.Normal(rows * columns, 1);
        LowRankReference reference = new(rows, columns, r, initial);
        using OptimizerTrial trial = new(new GaLore(rank, Period: 7, Scale: 0.5f, WeightDecay: 0.1f, PowerIterations: 2, Seed: 5), initial, new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] elements = OptimizerTrial.Normal(rows * columns, 100 + step, 0.1);
            double rate = 0.01 / step;
            trial.Step(elements, rate);
            Dense gradient = reference.Gradient(elements);
            if (step % 7 == 1) reference.Basis = reference.Iterate(gradient, step == 1 ? reference.Iterate(gradient, reference.Random(seed: 5), 2) : reference.Basis, 2);
            Dense direction = reference.Adam(reference.Basis.Transposed * gradient, step);
            reference.Parameter = reference.Parameter.Zip(reference.Basis * direction, (p, d) => (p * (1 - (rate * 0.1))) - (rate * 0.5 * d));
        }

        OptimizerTrial.AssertClose(SubspaceReference.Projector(reference.Basis.Elements, r), SubspaceReference.Projector(trial.State("basis"), r), 1e-4);
        OptimizerTrial.AssertClose(reference.Stored(reference.First), trial.State("first_moment"), 1e-4);
        OptimizerTrial.AssertClose(reference.Stored(reference.Second), trial.State("second_moment"), 1e-4);
        LowRankReference.AssertSameChange(initial, reference.Stored(reference.Parameter), trial.Parameter);
        Assert.Equal(4L * ((reference.Side * r) + (2 * r * reference.Length)), trial.StateBytes);
    }

    [Fact]
    public void The_rank_is_a_quarter_of_the_shorter_side_by_default()
    {
        using OptimizerTrial trial = new(new GaLore(), OptimizerTrial.Normal(24 * 40, 1), new Shape(24, 40));
        Assert.Equal(24 * 6, trial.State("basis").Length);
    }

    [Theory]
    [InlineData("embedding")]
    [InlineData("head")]
    public void What_is_no_hidden_matrix_is_under_AdamW(string name)
    {
        double[] initial = OptimizerTrial.Normal(12 * 20, 1), gradient = OptimizerTrial.Normal(12 * 20, 2);
        using OptimizerTrial trial = new(new GaLore(), initial, new Shape(12, 20), name), plain = new(new AdamW(0.9f, 0.999f, 1e-8f, 0), initial, new Shape(12, 20), name);
        trial.Step(gradient, 0.1);
        plain.Step(gradient, 0.1);
        Assert.Equal(plain.Parameter, trial.Parameter);
    }

    // A spectrum that falls as 1/i, the first renewal from random numbers and the second from the basis of the first.
    [Theory]
    [InlineData(40, 64, 10)]
    [InlineData(64, 40, 4)]
    public void The_subspace_holds_nearly_as_much_of_the_gradient_as_any_could(int rows, int columns, int rank)
    {
        int side = Math.Min(rows, columns);
        Dense left = new(rows, side, SubspaceReference.Orthonormalize(OptimizerTrial.Normal(rows * side, 3), side));
        Dense right = new(side, columns, new Dense(columns, side, SubspaceReference.Orthonormalize(OptimizerTrial.Normal(columns * side, 4), side)).Transposed.Elements);
        Dense gradient = new Dense(rows, side, [.. left.Elements.Select((v, i) => v / (1 + (i % side)))]) * right;
        double best = (rows < columns ? gradient * gradient.Transposed : gradient.Transposed * gradient).LeadingEigenvalues(rank);
        Assert.Equal(Enumerable.Range(1, rank).Sum(static i => 1.0 / (i * i)), best, 1e-9);
        using OptimizerTrial trial = new(new GaLore(rank, Period: 1), new double[rows * columns], new Shape(rows, columns));
        foreach (double share in (double[])[0.99, 0.997, 0.9985])
        {
            trial.Step(gradient.Elements, 0.1);
            Dense basis = new(side, rank, trial.State("basis"));
            double held = ((rows < columns ? gradient.Transposed : gradient) * basis).Energy;
            Assert.InRange(held / best, share, 1 + 1e-6);
        }
    }

    [Fact]
    public void A_gradient_of_zeros_changes_nothing()
    {
        double[] initial = OptimizerTrial.Normal(12 * 20, 1);
        using OptimizerTrial trial = new(new GaLore(4, Period: 2), initial, new Shape(12, 20));
        for (int i = 0; i < 3; i++) trial.Step(new double[12 * 20], 0.1);
        Assert.Equal(initial, trial.Parameter);
        Assert.All(trial.State("basis"), static v => Assert.True(double.IsFinite(v)));
    }
}
