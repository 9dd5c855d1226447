using Ration.Optimizers;
using Ration.Tensors;
using Ration.Tests.Graphs.Reference;
using Ration.Tests.Optimizers.LowRank;

namespace Ration.Tests.Optimizers;

public class DctAdamWTests
{
    [Theory]
    [InlineData(7, 33, 3, 1)]
    [InlineData(33, 7, 3, 1)]
    [InlineData(16, 16, 4, 3)]
    [InlineData(40, 65, 33, 2)]
    [InlineData(5, 9, 5, 4)]
    public void It_is_Adam_along_the_columns_of_the_transform_where_the_gradient_is_longest(int rows, int columns, int rank, int period)
    {
        double[] initial = OptimizerTrial.Normal(rows * columns, 1);
        LowRankReference reference = new(rows, columns, rank, initial);
        Dense transform = new(reference.Side, reference.Side, SubspaceReference.CosineColumns(reference.Side, null));
        double[] chosen = new double[rank];
        using OptimizerTrial trial = new(new DctAdamW(rank, period, WeightDecay: 0.1f), initial, new Shape(rows, columns));
        for (int step = 1; step <= 20; step++)
        {
            double[] elements = OptimizerTrial.Normal(rows * columns, 200 + step, 0.1);
            double rate = 0.01 / step;
            trial.Step(elements, rate);
            Dense gradient = reference.Gradient(elements);
            if ((step - 1) % period == 0)
            {
                double[] energies = [.. (transform.Transposed * gradient).Elements.Chunk(reference.Length).Select(static row => row.Sum(static v => v * v))];
                double[] next = SubspaceReference.SelectLargest(energies, rank);
                (reference.First, reference.Second) = (Carry(reference.First, chosen, next), Carry(reference.Second, chosen, next));
                chosen = next;
            }

            Dense basis = new(reference.Side, rank, SubspaceReference.CosineColumns(reference.Side, chosen));
            Dense direction = reference.Adam(basis.Transposed * gradient, step);
            reference.Parameter = reference.Parameter.Zip(basis * direction, (p, d) => (p * (1 - (rate * 0.1))) - (rate * d));
        }

        Assert.Equal(chosen, trial.State("columns"));
        OptimizerTrial.AssertClose(reference.Stored(reference.First), trial.State("first_moment"), 1e-5);
        OptimizerTrial.AssertClose(reference.Stored(reference.Second), trial.State("second_moment"), 1e-5);
        LowRankReference.AssertSameChange(initial, reference.Stored(reference.Parameter), trial.Parameter);
        Assert.Equal(4L * (rank + (2 * rank * reference.Length)), trial.StateBytes);
    }

    // A column that stays keeps its moments, a new one begins at zero.
    private static Dense Carry(Dense moments, double[] before, double[] after) =>
        new(moments.Rows, moments.Columns, [.. after.SelectMany(column => Array.IndexOf(before, column) is >= 0 and int at
            ? moments.Elements.Skip(at * moments.Columns).Take(moments.Columns)
            : new double[moments.Columns])]);
}
