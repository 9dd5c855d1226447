using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class ApolloTests
{
    private const int Period = 6;
    private const ulong Seed = 77;

    [Theory]
    [InlineData(7, 33, 3)]
    [InlineData(65, 19, 5)]
    [InlineData(12, 12, null)]
    public void Channels_are_scaled_as_Adam_scales_their_projections(int rows, int columns, int? rank)
    {
        int shorter = Math.Min(rows, columns), r = rank ?? shorter / 4, longer = Math.Max(rows, columns);
        long bytes = Compare(new Apollo(rank, Period: Period, WeightDecay: 0.1f, Seed: Seed), rows, columns, r, 1, (adapted, low) =>
            Matrix64.Of(1, longer, (_, j) => adapted.ColumnNorm(j) / (low.ColumnNorm(j) + 1e-8)));
        Assert.Equal(4 * ((2 * r * longer) + 1), bytes);
    }

    [Theory]
    [InlineData(7, 33)]
    [InlineData(65, 19)]
    public void Mini_has_one_factor_and_the_state_of_two_rows(int rows, int columns)
    {
        int longer = Math.Max(rows, columns);
        long bytes = Compare(Apollo.Mini(Seed) with { Period = Period, WeightDecay = 0.1f }, rows, columns, 1, Math.Sqrt(128), (adapted, low) =>
            Matrix64.Of(1, longer, (_, _) => adapted.Norm / (low.Norm + 1e-8)));
        Assert.Equal(4 * ((2 * longer) + 1), bytes);
    }

    [Fact]
    public void After_a_step_without_gradient_the_limiter_lets_any_norm_through()
    {
        using OptimizerTrial trial = new(new Apollo(2), OptimizerTrial.Normal(60, 1), new Shape(6, 10));
        double[] before = trial.Parameter;
        trial.Step(new double[60], 0.1);
        Assert.Equal(before, trial.Parameter);
        trial.Step(OptimizerTrial.Normal(60, 2), 0.1);
        Assert.True(before.Zip(trial.Parameter, static (a, b) => Math.Abs(a - b)).Max() > 1e-3);
    }

    [Fact]
    public void Tables_and_vectors_are_updated_by_AdamW()
    {
        foreach ((string name, Shape shape) in (ReadOnlySpan<(string, Shape)>)[("embedding", new(6, 10)), ("layers.0.norm", new(60))])
        {
            double[] p = OptimizerTrial.Normal(60, 1), g = OptimizerTrial.Normal(60, 2);
            using OptimizerTrial trial = new(new Apollo(), p, shape, name), plain = new(new AdamW(0.9f, 0.999f, 1e-6f, 0), p, shape, name);
            trial.Step(g, 0.1);
            plain.Step(g, 0.1);
            Assert.Equal(plain.Parameter, trial.Parameter);
        }
    }

    // Written for m ≤ n; a taller matrix is the same transposed.
    private static long Compare(Apollo rule, int rows, int columns, int rank, double scale, Func<Matrix64, Matrix64, Matrix64> factors)
    {
        bool wide = rows <= columns;
        Matrix64 w = Matrix64.Normal(rows, columns, 1);
        using OptimizerTrial trial = new(rule, w.Elements, new Shape(rows, columns));
        if (!wide) w = w.Transposed;
        Adam64 adam = new(rank, w.Columns, 0.9f, 0.999f, 1e-6);
        double last = 0;
        int limited = 0;
        for (int step = 1; step <= 20; step++)
        {
            double rate = 0.01 / step;
            Matrix64 g = Matrix64.Normal(rows, columns, 100 + step, step == 8 ? 1 : 0.1);
            trial.Step(g.Elements, rate);
            if (!wide) g = g.Transposed;
            Matrix64 low = Matrix64.Random("projection", rank, w.Rows, 1 / Math.Sqrt(rank), Seed, (step - 1) / Period) * g;
            Matrix64 s = factors(adam.Direction(low), low), scaled = Matrix64.Of(w.Rows, w.Columns, (i, j) => g[i, j] * s[0, j]);
            double norm = scaled.Norm, allowed = step > 1 && norm > 1.01 * last ? 1.01 * last : norm;
            if (allowed < norm) limited++;
            w = ((1 - (rate * 0.1)) * w) - (rate * scale * allowed / norm * scaled);
            last = allowed;
        }

        Assert.InRange(limited, 1, 18);
        OptimizerTrial.AssertClose((wide ? w : w.Transposed).Elements, trial.Parameter);
        OptimizerTrial.AssertClose((wide ? adam.First : adam.First.Transposed).Elements, trial.State("first_moment"));
        OptimizerTrial.AssertClose((wide ? adam.Second : adam.Second.Transposed).Elements, trial.State("second_moment"));
        OptimizerTrial.AssertClose([last], trial.State("norm"), 1e-5);
        return trial.StateBytes;
    }
}
