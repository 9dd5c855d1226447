using Ration.Optimizers;
using Ration.Tensors;
using Ration.Tests.Graphs.Reference;
using Ration.Tests.Optimizers.LowRank;

namespace Ration.Tests.Optimizers;

public class GradNormLoRPTests
{
    [Theory]
    [InlineData(7, 33, 3)]
    [InlineData(33, 7, 3)]
    [InlineData(16, 16, 4)]
    [InlineData(65, 40, 33)]
    public void It_is_Adam_on_magnitudes_and_in_a_subspace_on_directions_that_are_held_apart(int rows, int columns, int rank)
    {
        const double Decay = 0.1f;
        double[] initial = OptimizerTrial.Normal(rows * columns, 1);
        LowRankReference direction = new(rows, columns, rank, initial);
        double[] magnitudes = Norms(initial, columns), weight = initial;
        Adam64 ofMagnitudes = new(rows, 1, 0.9f, 0.999f, 1e-6f);
        using OptimizerTrial trial = new(new GradNormLoRP(rank, Period: 7, Scale: 0.5f, WeightDecay: (float)Decay, Seed: 5), initial, new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] gradient = OptimizerTrial.Normal(rows * columns, 100 + step, 0.1);
            double rate = 0.01 / step;
            trial.Step(gradient, rate);

            double[] held = direction.Stored(direction.Parameter), norms = Norms(held, columns), slopes = new double[rows], tangent = new double[held.Length];
            for (int i = 0; i < held.Length; i++) slopes[i / columns] += gradient[i] * held[i] / norms[i / columns];
            for (int i = 0; i < held.Length; i++)
                tangent[i] = magnitudes[i / columns] / norms[i / columns] * (gradient[i] - (slopes[i / columns] * held[i] / norms[i / columns]));
            Dense projected = direction.Gradient(tangent);
            if (step % 7 == 1) direction.Basis = direction.Iterate(projected, step == 1 ? direction.Iterate(projected, direction.Random(seed: 5), 2) : direction.Basis, 2);
            Dense lifted = direction.Basis * direction.Adam(direction.Basis.Transposed * projected, step, epsilon: 1e-6f);
            direction.Parameter = direction.Parameter.Zip(lifted, (d, s) => (d - (rate * 0.5 * s)) * (1 - (rate * Decay)));
            double[] stretch = ofMagnitudes.Direction(new(rows, 1, slopes)).Elements;
            magnitudes = [.. magnitudes.Select((m, i) => (m - (rate * stretch[i])) * (1 - (rate * Decay)))];
            weight = Weight(magnitudes, direction.Stored(direction.Parameter), columns);
        }

        LowRankReference.AssertSameChange(initial, weight, trial.Parameter);
        OptimizerTrial.AssertClose(SubspaceReference.Projector(direction.Basis.Elements, rank), SubspaceReference.Projector(trial.State("basis"), rank), 1e-4);
        OptimizerTrial.AssertClose(Norms(direction.Stored(direction.Parameter), columns), trial.State("norm"), 1e-5);
        OptimizerTrial.AssertClose(ofMagnitudes.First.Elements, trial.State("magnitude_first_moment"), 1e-4);
        OptimizerTrial.AssertClose(ofMagnitudes.Second.Elements, trial.State("magnitude_second_moment"), 1e-4);
        Assert.Equal(4L * ((direction.Side * rank) + (2 * rank * direction.Length) + (3 * rows)), trial.StateBytes);
    }

    [Fact]
    public void Its_gradients_are_those_of_the_parametrization()
    {
        const int Rows = 3, Columns = 5;
        double[] gradient = OptimizerTrial.Normal(Rows * Columns, 2), held = OptimizerTrial.Normal(Rows * Columns, 3), magnitudes = [0.5, 2, 1.25];
        double[] norms = Norms(held, Columns);
        for (int i = 0; i < held.Length; i++)
        {
            int row = i / Columns;
            double slope = Enumerable.Range(row * Columns, Columns).Sum(j => gradient[j] * held[j] / norms[row]);
            double tangent = magnitudes[row] / norms[row] * (gradient[i] - (slope * held[i] / norms[row]));
            Assert.Equal(Difference(held, i), tangent, 1e-6);
            Assert.Equal(Difference(magnitudes, row), slope, 1e-6);
        }

        // Of the loss ⟨G, W⟩, whose gradient by W is G, by a central difference.
        double Difference(double[] moved, int index)
        {
            double before = moved[index];
            moved[index] = before + 1e-5;
            double above = Loss();
            moved[index] = before - 1e-5;
            double below = Loss();
            moved[index] = before;
            return (above - below) / 2e-5;
        }

        double Loss() => Weight(magnitudes, held, Columns).Zip(gradient, static (w, g) => w * g).Sum();
    }

    [Theory]
    [InlineData("embedding")]
    [InlineData("head")]
    public void What_is_no_hidden_matrix_is_under_AdamW(string name)
    {
        double[] initial = OptimizerTrial.Normal(12 * 20, 1), gradient = OptimizerTrial.Normal(12 * 20, 2);
        using OptimizerTrial trial = new(new GradNormLoRP(), initial, new Shape(12, 20), name), plain = new(new AdamW(0.9f, 0.999f, 1e-6f, 0), initial, new Shape(12, 20), name);
        trial.Step(gradient, 0.1);
        plain.Step(gradient, 0.1);
        Assert.Equal(plain.Parameter, trial.Parameter);
    }

    [Fact]
    public void A_gradient_of_zeros_and_a_row_of_zeros_change_nothing()
    {
        double[] initial = OptimizerTrial.Normal(12 * 20, 1), gradient = OptimizerTrial.Normal(12 * 20, 2);
        Array.Clear(initial, 40, 20);
        using OptimizerTrial trial = new(new GradNormLoRP(4, Period: 2), initial, new Shape(12, 20));
        for (int i = 0; i < 3; i++) trial.Step(new double[12 * 20], 0.1);
        OptimizerTrial.AssertClose(initial, trial.Parameter, 1e-6);
        trial.Step(gradient, 0.1);
        Assert.All(trial.Parameter, static v => Assert.True(double.IsFinite(v)));
        Assert.NotEqual(initial[0], trial.Parameter[0], 1e-4);
    }

    private static double[] Norms(double[] matrix, int columns) => [.. matrix.Chunk(columns).Select(static row => Math.Sqrt(row.Sum(static v => v * v)))];

    private static double[] Weight(double[] magnitudes, double[] direction, int columns)
    {
        double[] norms = Norms(direction, columns);
        return [.. direction.Select((v, i) => magnitudes[i / columns] * v / norms[i / columns])];
    }
}
