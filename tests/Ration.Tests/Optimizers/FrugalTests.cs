using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class FrugalTests
{
    private const int Period = 6;
    private const ulong Seed = 31;

    [Theory]
    [InlineData(7, 33, StateFreeRule.SignSgd, 0.25f)]
    [InlineData(65, 19, StateFreeRule.SignSgd, 0.25f)]
    [InlineData(12, 12, StateFreeRule.Sgd, 0.25f)]
    [InlineData(9, 14, StateFreeRule.SignSgd, 1f)]
    [InlineData(14, 9, StateFreeRule.SignSgd, 1f)]
    public void A_random_projection_is_updated_by_Adam_and_the_rest_without_state(int rows, int columns, StateFreeRule rest, float density)
    {
        bool left = rows < columns;
        int side = Math.Min(rows, columns), longer = Math.Max(rows, columns), rank = (int)Math.Round(side * density);
        Adam64 adam = left ? new(rank, longer, 0.9f, 0.999f, 1e-8) : new(longer, rank, 0.9f, 0.999f, 1e-8);
        Matrix64 basis = new(side, rank);
        long bytes = Compare(StateFullPart.RandomProjection, rows, columns, rest, density, adam, (g, epoch, isNew) =>
        {
            if (isNew) basis = Matrix64.Random("basis", side, rank, 1, Seed, epoch).Orthonormalized;
            Matrix64 low = left ? basis.Transposed * g : g * basis, direction = adam.Direction(low);
            return (Lift(low), Lift(direction));

            Matrix64 Lift(Matrix64 x) => left ? basis * x : x * basis.Transposed;
        });
        Assert.Equal(4L * ((2 * rank * longer) + (side * rank)), bytes);
    }

    [Theory]
    [InlineData(7, 33, StateFreeRule.SignSgd)]
    [InlineData(65, 19, StateFreeRule.Sgd)]
    [InlineData(5, 1, StateFreeRule.SignSgd)]
    public void Random_columns_are_updated_by_Adam_and_the_rest_without_state(int rows, int columns, StateFreeRule rest)
    {
        int count = Math.Max(1, columns / 4);
        Adam64 adam = new(rows, count, 0.9f, 0.999f, 1e-8);
        long bytes = Compare(StateFullPart.Columns, rows, columns, rest, 0.25f, adam, (g, epoch, _) =>
        {
            double[] chance = [.. Matrix64.Random("columns", 1, columns, 1, Seed, epoch).Elements.Select(Math.Abs)];
            int[] chosen = [.. Enumerable.Range(0, columns).OrderByDescending(i => chance[i]).Take(count).Order()];
            Matrix64 direction = adam.Direction(Matrix64.Of(rows, count, (i, j) => g[i, chosen[j]]));
            return (Matrix64.Of(rows, columns, (i, j) => chosen.Contains(j) ? g[i, j] : 0),
                Matrix64.Of(rows, columns, (i, j) => chosen.Contains(j) ? direction[i, Array.IndexOf(chosen, j)] : 0));
        });
        Assert.Equal(4L * 2 * rows * count, bytes);
    }

    // The part of a gradient with state, and the direction that Adam makes of it, both in the parameter's coordinates.
    private static long Compare(
        StateFullPart part, int rows, int columns, StateFreeRule rest, float density, Adam64 adam, Func<Matrix64, int, bool, (Matrix64 Part, Matrix64 Direction)> split)
    {
        Matrix64 w = Matrix64.Normal(rows, columns, 1);
        Frugal rule = new(part, Density: density, Period: Period, StateFree: rest, StateFreeScale: 0.5f, WeightDecay: 0.1f, Seed: Seed);
        using OptimizerTrial trial = new(rule, w.Elements, new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double rate = 0.01 / step;
            bool isNew = (step - 1) % Period == 0;
            Matrix64 g = Matrix64.Normal(rows, columns, 100 + step, 0.1);
            trial.Step(g.Elements, rate);
            if (isNew) adam.Reset();
            (Matrix64 inside, Matrix64 direction) = split(g, (step - 1) / Period, isNew);
            Matrix64 outside = (g - inside).Map(x => rest == StateFreeRule.Sgd ? x : Math.Abs(x) < 1e-12 ? 0 : Math.Sign(x));
            w = ((1 - (rate * 0.1)) * w) - (rate * (direction + (0.5 * outside)));
        }

        OptimizerTrial.AssertClose(w.Elements, trial.Parameter);
        OptimizerTrial.AssertClose(adam.First.Elements, trial.State("first_moment"));
        OptimizerTrial.AssertClose(adam.Second.Elements, trial.State("second_moment"));
        return trial.StateBytes;
    }
}
