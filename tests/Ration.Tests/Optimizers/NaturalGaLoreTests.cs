using Ration.Optimizers;
using Ration.Tensors;
using Ration.Tests.Graphs.Reference;
using Ration.Tests.Optimizers.LowRank;

namespace Ration.Tests.Optimizers;

public class NaturalGaLoreTests
{
    [Theory]
    [InlineData(7, 33, 3, 4)]
    [InlineData(33, 7, 3, 1)]
    [InlineData(16, 16, 4, 6)]
    [InlineData(24, 40, 20, 30)]
    public void Adam_sees_the_projected_gradient_through_the_inverse_of_the_Fisher_matrix_of_the_last_ones(int rows, int columns, int rank, int history)
    {
        const double Damping = 0.25;
        double[] initial = OptimizerTrial.Normal(rows * columns, 1);
        LowRankReference reference = new(rows, columns, rank, initial);
        List<Dense> last = [];
        using OptimizerTrial trial = new(
            new NaturalGaLore(rank, history, (float)Damping, Period: 7, Scale: 0.5f, WeightDecay: 0.1f, Seed: 5), initial, new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] elements = OptimizerTrial.Normal(rows * columns, 100 + step, 0.2);
            double rate = 0.01 / step;
            trial.Step(elements, rate);
            Dense gradient = reference.Gradient(elements);
            if (step % 7 == 1) reference.Basis = reference.Iterate(gradient, step == 1 ? reference.Iterate(gradient, reference.Random(seed: 5), 2) : reference.Basis, 2);
            Dense projected = reference.Basis.Transposed * gradient;
            last.Add(projected);
            if (last.Count > history) last.RemoveAt(0);
            Dense direction = reference.Adam(Natural(projected, last, Damping), step);
            reference.Parameter = reference.Parameter.Zip(reference.Basis * direction, (p, d) => (p * (1 - (rate * 0.1))) - (rate * 0.5 * d));
        }

        OptimizerTrial.AssertClose(reference.Stored(reference.First), trial.State("first_moment"), 1e-4);
        OptimizerTrial.AssertClose(reference.Stored(reference.Second), trial.State("second_moment"), 1e-4);
        LowRankReference.AssertSameChange(initial, reference.Stored(reference.Parameter), trial.Parameter);
        Assert.Equal(4L * ((reference.Side * rank) + ((history + 2) * rank * reference.Length)), trial.StateBytes);
    }

    // g/λ − G(λI + GᵀG)⁻¹Gᵀg/λ, for the columns G: the paper's form.
    private static Dense Natural(Dense gradient, List<Dense> last, double damping)
    {
        int s = last.Count;
        Dense gram = new(s, s, [.. last.SelectMany(a => last.Select(b => a.Zip(b, static (x, y) => x * y).Elements.Sum()))]);
        Dense inverse = new(s, s, [.. Enumerable.Range(0, s).SelectMany(i => SubspaceReference.InverseColumn(gram.Elements, damping, i))]);
        double[] weights = (inverse * new Dense(s, 1, [.. last.Select(a => a.Zip(gradient, static (x, y) => x * y).Elements.Sum())])).Elements;
        Dense natural = gradient;
        for (int i = 0; i < s; i++) natural = natural.Zip(last[i], (n, g) => n - (weights[i] * g));
        return natural.Map(v => v / damping);
    }
}
