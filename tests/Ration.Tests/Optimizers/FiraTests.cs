using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class FiraTests
{
    private const int Period = 7, Iterations = 2;
    private const ulong Seed = 5;

    // Written for m < n; another matrix is the same transposed.
    [Theory]
    [InlineData(7, 33, 3)]
    [InlineData(65, 19, 4)]
    public void It_is_GaLore_and_the_rest_scaled_as_its_projection_is(int rows, int columns, int rank)
    {
        bool wide = rows < columns;
        Matrix64 w = Matrix64.Normal(rows, columns, 1);
        using OptimizerTrial trial = new(new Fira(rank, Period, WeightDecay: 0.1f, PowerIterations: Iterations, Seed: Seed), w.Elements, new Shape(rows, columns));
        if (!wide) w = w.Transposed;
        Adam64 adam = new(rank, w.Columns, 0.9f, 0.999f, 1e-6);
        Matrix64 basis = Matrix64.Random("subspace", w.Rows, rank, 1, Seed, 0);
        double last = 0;
        int limited = 0;
        for (int step = 1; step <= 20; step++)
        {
            double rate = 0.01 / step;
            Matrix64 g = Gradient(rows, columns, step);
            trial.Step(g.Elements, rate);
            if (!wide) g = g.Transposed;
            int iterations = step == 1 ? 2 * Iterations : (step - 1) % Period == 0 ? Iterations : 0;
            for (int i = 0; i < iterations; i++) basis = (g * (g.Transposed * basis)).Orthonormalized;
            Matrix64 low = basis.Transposed * g, direction = adam.Direction(low), rest = g - (basis * low);
            Matrix64 scaled = Matrix64.Of(w.Rows, w.Columns, (i, j) => rest[i, j] * direction.ColumnNorm(j) / (low.ColumnNorm(j) + 1e-8));
            double norm = scaled.Norm, allowed = step > 1 && norm > 1.01 * last ? 1.01 * last : norm;
            if (allowed < norm) limited++;
            w = ((1 - (rate * 0.1)) * w) - (rate * 0.25 * ((basis * direction) + (allowed / norm * scaled)));
            last = allowed;
        }

        Assert.InRange(limited, 1, 18);
        OptimizerTrial.AssertClose((wide ? w : w.Transposed).Elements, trial.Parameter, 1e-5);
        OptimizerTrial.AssertClose(basis.Elements, trial.State("basis"), 1e-4);
        OptimizerTrial.AssertClose((wide ? adam.First : adam.First.Transposed).Elements, trial.State("first_moment"), 1e-4);
        OptimizerTrial.AssertClose([last], trial.State("norm"), 1e-4);
        Assert.Equal(4L * ((w.Rows * rank) + (2 * w.Columns * rank) + 1), trial.StateBytes);
    }

    // Some directions stand out, so that the leading subspace is well known.
    private static Matrix64 Gradient(int rows, int columns, int step) =>
        Matrix64.Normal(rows, columns, 100 + step, 0.05) + Matrix64.Of(rows, columns, (i, j) => i == j ? (step == 9 ? 3.0 : 1.0) / (1 + (i * i)) : 0);
}
