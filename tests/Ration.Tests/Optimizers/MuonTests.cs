using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class MuonTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 33)]
    [InlineData(65, 19)]
    [InlineData(16, 16)]
    public void It_is_momentum_orthogonalized(int rows, int columns)
    {
        Matrix64 w = Matrix64.Normal(rows, columns, 1), velocity = new(rows, columns);
        using OptimizerTrial trial = new(new Muon(), w.Elements, new Shape(rows, columns));
        for (int step = 1; step <= 10; step++)
        {
            double rate = 0.1 / step;
            Matrix64 g = Matrix64.Normal(rows, columns, 100 + step, 0.1);
            trial.Step(g.Elements, rate);
            velocity = (0.95 * velocity) + g;
            w = ((1 - (rate * 0.1)) * w) - (rate * 0.2 * Math.Sqrt(Math.Max(rows, columns)) * Orthogonalized(g + (0.95 * velocity)));
        }

        // The quintic multiplies small singular values, and their rounding, by up to 3.4445⁵ = 485.
        OptimizerTrial.AssertClose(w.Elements, trial.Parameter, 2e-5);
        OptimizerTrial.AssertClose(velocity.Elements, trial.State("velocity"));
        Assert.Equal(4L * rows * columns, trial.StateBytes);
    }

    [Fact]
    public void Directions_of_very_different_strength_move_about_equally_far()
    {
        // Orthogonal rows of norms 1 and 100.
        double[] g = new double[2 * 8], p = new double[2 * 8];
        for (int i = 0; i < 4; i++) (g[i], g[8 + 4 + i]) = (0.5, 50);
        using OptimizerTrial trial = new(new Muon(), p, new Shape(2, 8));
        trial.Step(g, 1);
        double[] moved = trial.Parameter;
        double small = Math.Sqrt(moved.Take(8).Sum(static v => v * v)), large = Math.Sqrt(moved.Skip(8).Sum(static v => v * v));
        Assert.InRange(small / large, 0.5, 2);
        Assert.InRange(large, 0.2 * Math.Sqrt(8) * 0.6, 0.2 * Math.Sqrt(8) * 1.3);
    }

    [Fact]
    public void Without_gradient_only_decay_is_left()
    {
        double[] p = OptimizerTrial.Normal(15, 1);
        using OptimizerTrial trial = new(new Muon(), p, new Shape(3, 5));
        trial.Step(new double[15], 0.1);
        OptimizerTrial.AssertClose([.. p.Select(static v => v * 0.99)], trial.Parameter);
    }

    /// <summary>Five steps of X ← aX + (bA + cA²)X with A = XXᵀ, from X/‖X‖.</summary>
    internal static Matrix64 Orthogonalized(Matrix64 x)
    {
        if (x.Rows > x.Columns) return Orthogonalized(x.Transposed).Transposed;
        x = (1 / (x.Norm + 1e-7)) * x;
        for (int step = 0; step < 5; step++)
        {
            Matrix64 gram = x * x.Transposed;
            x = (3.4445 * x) + (((-4.7750 * gram) + (2.0315 * (gram * gram))) * x);
        }

        return x;
    }
}
