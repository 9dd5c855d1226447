using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Optimizers;
using Ration.Tensors;
using Ration.Tests.Training;

namespace Ration.Tests.Optimizers;

public class UpdateBuilderTests
{
    // Rows of the gradient scaled to length one; the norms are renewed every third step only, from a product on the way.
    private sealed record Rule : IOptimizer
    {
        public string Name => "rule";

        public void Update(UpdateBuilder u)
        {
            Load norms = u.State("norms", new Shape(u.Shape.Rows)), count = u.State("count", Shape.Scalar);
            using (u.Every(3))
            {
                Load squares = new(u.Graph.RowSquares(u.GradientTensor, "squares"));
                u.AssignNow(norms, Expression.SquareRoot(squares));
                u.AssignNow(count, count + 1f);
            }

            Load scaled = new(u.Tensor("scaled", u.Gradient / Expression.OfRow(norms.Value)));
            u.Assign(u.Parameter, u.Parameter - (u.LearningRate * scaled));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void What_is_done_every_so_many_steps_is_left_out_in_the_others(int threads)
    {
        const int Rows = 5, Columns = 13;
        double[] p = OptimizerTrial.Normal(Rows * Columns, 1), norms = new double[Rows];
        using OptimizerTrial trial = new(new Rule(), p, new Shape(Rows, Columns), threads: threads);
        for (int step = 1; step <= 8; step++)
        {
            double[] g = OptimizerTrial.Normal(Rows * Columns, 50 + step);
            trial.Step(g, 0.1);
            for (int row = 0; row < Rows && (step - 1) % 3 == 0; row++) norms[row] = Math.Sqrt(g.Skip(row * Columns).Take(Columns).Sum(static x => x * x));
            for (int i = 0; i < p.Length; i++) p[i] -= 0.1 * g[i] / norms[i / Columns];
        }

        OptimizerTrial.AssertClose(p, trial.Parameter);
        OptimizerTrial.AssertClose(norms, trial.State("norms"));
        Assert.Equal(3, Assert.Single(trial.State("count")));
        Assert.Equal(4L * (Rows + 1), trial.StateBytes);
    }

    [Fact]
    public void Hidden_matrices_are_those_of_a_model_s_blocks()
    {
        GraphBuilder builder = new();
        _ = new TransformerModel(builder, TrainingSamples.Model, 8);
        HostScalars scalars = new(builder);
        Value[] hidden = [.. builder.Persistent.Where(p => new UpdateBuilder(builder, scalars, p, new Load(p)).IsHiddenMatrix)];
        Assert.Equal(7 * TrainingSamples.Model.Layers, hidden.Length);
        Assert.All(hidden, static p => Assert.Contains(".layers.", p.Name, StringComparison.Ordinal));
        Assert.Contains(builder.Persistent, p => p.Shape.Rank == 2 && !hidden.Contains(p));
    }
}
