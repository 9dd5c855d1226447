using Ration.Optimizers;
using Ration.Tensors;
using Ration.Tensors.Formats;
using Ration.Tests.Optimizers.LowRank;

namespace Ration.Tests.Optimizers;

public class QGaLoreTests
{
    // From the basis as it is stored on, the rest is as exact as ever; the stored one may round the other way here and there.
    [Theory]
    [InlineData(40, 72, 32, 1)]
    [InlineData(72, 40, 32, 3)]
    [InlineData(7, 33, 3, 2)]
    [InlineData(65, 129, 64, 2)]
    public void It_is_GaLore_with_a_basis_in_4_bits(int rows, int columns, int rank, int threads)
    {
        double[] initial = OptimizerTrial.Normal(rows * columns, 1);
        LowRankReference reference = new(rows, columns, rank, initial);
        QGaLore rule = new(rank, Period: 7, Likeness: 0.999f, Scale: 0.5f, WeightDecay: 0.1f, Seed: 5);
        using OptimizerTrial trial = new(rule, initial, new Shape(rows, columns), threads: threads);
        for (int step = 1; step <= 20; step++)
        {
            double[] elements = OptimizerTrial.Normal(rows * columns, 100 + step, 0.1);
            double rate = 0.01 / step;
            trial.Step(elements, rate);
            Dense gradient = reference.Gradient(elements);
            if (step % 7 == 1)
            {
                Dense first = step == 1 ? Stored(reference.Iterate(gradient, reference.Random(seed: 5), 2)) : reference.Basis;
                Dense expected = Stored(reference.Iterate(gradient, first, 2)), actual = new(reference.Side, rank, trial.State("basis"));
                Assert.InRange(expected.Zip(actual, static (a, b) => a - b).Energy / expected.Energy, 0, rank % 32 == 0 ? 2e-4 : 1e-8);
                reference.Basis = actual;
            }

            Dense direction = reference.Adam(reference.Basis.Transposed * gradient, step);
            reference.Parameter = reference.Parameter.Zip(reference.Basis * direction, (p, d) => (p * (1 - (rate * 0.1))) - (rate * 0.5 * d));
        }

        OptimizerTrial.AssertClose(reference.Stored(reference.First), trial.State("first_moment"), 1e-4);
        OptimizerTrial.AssertClose(reference.Stored(reference.Second), trial.State("second_moment"), 1e-4);
        LowRankReference.AssertSameChange(initial, reference.Stored(reference.Parameter), trial.Parameter);
        long basisBytes = (rank % 32 == 0 ? DType.Q4_1 : DType.F32).Bytes(new Shape(reference.Side, rank));
        Assert.Equal(basisBytes + (4L * ((2 * rank * reference.Length) + 4)), trial.StateBytes);
    }

    // The same gradient again and again for 24 steps, then others.
    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    public void A_basis_that_stays_alike_is_renewed_half_as_often_each_time(int period, int patience)
    {
        const int Rows = 40, Columns = 72, Rank = 32, Same = 24;
        using OptimizerTrial trial = new(new QGaLore(Rank, period, Likeness: 0.9f, Patience: patience), OptimizerTrial.Normal(Rows * Columns, 1), new Shape(Rows, Columns));
        double[]? before = null;
        int interval = period, next = 1, alike = -1;
        for (int step = 1; step <= 60; step++)
        {
            trial.Step(OptimizerTrial.Normal(Rows * Columns, step <= Same ? 7 : 100 + step, 0.1), 0.01);
            double[] basis = trial.State("basis");
            if (step == next)
            {
                double cosine = before is null ? 1 : Dot(before, basis) / Math.Sqrt(Dot(before, before) * Dot(basis, basis));
                alike = cosine > 0.9 ? alike + 1 : 0;
                if (alike >= patience) interval *= 2;
                next = step + interval;
            }
            else
            {
                Assert.Equal(before!, basis);
            }

            before = basis;
            Assert.Equal(interval, Assert.Single(trial.State("interval")));
            Assert.Equal(next - step - 1, Assert.Single(trial.State("wait")));
        }

        Assert.True(interval > period, "the basis never was alike");
        Assert.Equal(0, alike);
    }

    private static Dense Stored(Dense basis)
    {
        if (basis.Columns % 32 != 0) return basis;
        float[] elements = [.. basis.Elements.Select(static v => (float)v)];
        byte[] bytes = new byte[DType.Q4_1.Bytes(elements.LongLength)];
        TensorCodec.Encode(DType.Q4_1, elements, bytes);
        TensorCodec.Decode(DType.Q4_1, bytes, elements);
        return basis with { Elements = [.. elements.Select(static v => (double)v)] };
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, static (x, y) => x * y).Sum();
}
