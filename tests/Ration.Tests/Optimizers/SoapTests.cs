using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public class SoapTests
{
    private const int Period = 4, FirstIterations = 3;

    // Sides are preconditioned up to 16: both, the left, the right.
    [Theory]
    [InlineData(9, 9)]
    [InlineData(5, 33)]
    [InlineData(41, 7)]
    public void It_is_Adam_in_the_eigenbasis_of_Shampoo(int rows, int columns)
    {
        Matrix64 w = Matrix64.Normal(rows, columns, 1), first = new(rows, columns), second = new(rows, columns);
        Matrix64? left = rows <= 16 ? new(rows, rows) : null, right = columns <= 16 ? new(columns, columns) : null;
        Matrix64? leftBasis = null, rightBasis = null;
        Soap rule = new(WeightDecay: 0.1f, Period: Period, MaximumSide: 16, FirstIterations: FirstIterations);
        using OptimizerTrial trial = new(rule, w.Elements, new Shape(rows, columns));
        for (int step = 1; step <= 15; step++)
        {
            double rate = 0.01 / step;
            Matrix64 g = Gradient(rows, columns, step);
            trial.Step(g.Elements, rate);
            w = (1 - (rate * 0.1)) * w;
            if (step > 1)
            {
                first = (0.95f * first) + ((1 - 0.95f) * g);
                Matrix64 turned = Turn(g, leftBasis, rightBasis), mean = Turn(first, leftBasis, rightBasis);
                second = (0.95f * second) + ((1 - 0.95f) * turned.Map(static x => x * x));
                double bias1 = 1 - Math.Pow(0.95f, step - 1), bias2 = 1 - Math.Pow(0.95f, step - 1);
                Matrix64 direction = mean.Zip(second, (m, v) => m / bias1 / (Math.Sqrt(v / bias2) + 1e-8));
                w -= rate * Turn(direction, leftBasis?.Transposed, rightBasis?.Transposed);
            }

            (left, leftBasis) = Renewed(left, leftBasis, g * g.Transposed, step);
            (right, rightBasis) = Renewed(right, rightBasis, g.Transposed * g, step);
        }

        OptimizerTrial.AssertClose(w.Elements, trial.Parameter, 1e-5);
        OptimizerTrial.AssertClose(second.Elements, trial.State("second_moment"), 1e-4);
        if (left is not null) OptimizerTrial.AssertClose(left.Elements, trial.State("left_preconditioner"));
        if (leftBasis is not null) OptimizerTrial.AssertClose(leftBasis.Elements, trial.State("left_basis"), 1e-4);
        if (rightBasis is not null) OptimizerTrial.AssertClose(rightBasis.Elements, trial.State("right_basis"), 1e-4);
        Assert.Equal(4L * ((2 * rows * columns) + (left is null ? 0 : 2 * rows * rows) + (right is null ? 0 : 2 * columns * columns)), trial.StateBytes);
    }

    [Fact]
    public void Bases_come_to_the_eigenvectors()
    {
        // Gradients of one covariance: GGᵀ = Q·diag(64, 16, 4, 1)·Qᵀ.
        const int Side = 4;
        Matrix64 q = Matrix64.Normal(Side, Side, 5).Orthonormalized, g = q * Matrix64.Of(Side, Side, (i, j) => i == j ? Math.Pow(2, 3 - i) : 0);
        using OptimizerTrial trial = new(new Soap(Period: 1), new double[Side * Side], new Shape(Side, Side));
        for (int step = 1; step <= 20; step++) trial.Step(g.Elements, 0);
        double[] basis = trial.State("left_basis");
        for (int column = 0; column < Side; column++)
        {
            double cosine = Enumerable.Range(0, Side).Sum(i => basis[(i * Side) + column] * q[i, column]);
            Assert.InRange(Math.Abs(cosine), 1 - 1e-5, 1 + 1e-5);
        }
    }

    [Fact]
    public void Of_a_table_only_the_width_is_preconditioned()
    {
        using OptimizerTrial table = new(new Soap(), new double[60], new Shape(10, 6), "embedding"), vector = new(new Soap(), new double[60], new Shape(60));
        Assert.Equal(4 * ((2 * 60) + (2 * 36)), table.StateBytes);
        Assert.Equal(4 * 2 * 60, vector.StateBytes);
    }

    [Fact]
    public void The_first_step_only_begins_the_preconditioners()
    {
        double[] p = OptimizerTrial.Normal(30, 1);
        using OptimizerTrial trial = new(new Soap(WeightDecay: 0), p, new Shape(5, 6));
        trial.Step(OptimizerTrial.Normal(30, 2), 0.1);
        Assert.Equal(p, trial.Parameter);
        Assert.All(trial.State("first_moment"), static v => Assert.Equal(0, v));
    }

    // Far from singular, so that the smallest eigenvectors are known as well as the greatest.
    private static Matrix64 Gradient(int rows, int columns, int step) =>
        Matrix64.Normal(rows, columns, 100 + step, 0.1) + Matrix64.Of(rows, columns, static (i, j) => i == j ? 0.5 + (0.1 * i) : 0);

    private static Matrix64 Turn(Matrix64 x, Matrix64? left, Matrix64? right)
    {
        if (left is not null) x = left.Transposed * x;
        return right is null ? x : x * right;
    }

    private static (Matrix64? Preconditioner, Matrix64? Basis) Renewed(Matrix64? preconditioner, Matrix64? basis, Matrix64 gram, int step)
    {
        if (preconditioner is null) return (null, null);
        preconditioner = (0.95f * preconditioner) + ((1 - 0.95f) * gram);
        int iterations = (step - 1) % Period == 0 ? 1 : 0;
        if (step == 1)
        {
            basis = preconditioner.Orthonormalized;
            iterations += FirstIterations - 1;
        }

        for (int i = 0; i < iterations; i++) basis = (preconditioner * basis!).Orthonormalized;
        return (preconditioner, basis);
    }
}
