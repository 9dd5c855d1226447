using Ration.Graphs.Ops;
using Ration.Optimizers;
using Ration.Tensors;
using Ration.Tests.Graphs.Reference;

namespace Ration.Tests.Optimizers;

public class CompActTests
{
    private const int Period = 6;
    private const ulong Seed = 41;
    private const string Name = "layers.0.mlp.up_proj.weight";

    [Theory]
    [InlineData(7, 33, 3)]
    [InlineData(65, 19, 5)]
    [InlineData(12, 12, null)]
    [InlineData(5, 9, 100)]
    public void It_is_Adam_on_the_compressed_gradient_and_the_step_comes_back(int rows, int columns, int? rank)
    {
        int r = Math.Min(rank ?? columns / 4, columns);
        Matrix64 w = Matrix64.Normal(rows, columns, 1);
        using OptimizerTrial trial = new(new CompAct(rank, Period: Period, Scale: 0.5f, WeightDecay: 0.1f, Seed: Seed), w.Elements, new Shape(rows, columns), Name);
        Adam64 adam = new(rows, r, 0.9f, 0.999f, 1e-8);
        for (int step = 1; step <= 20; step++)
        {
            double rate = 0.01 / step;
            Matrix64 projection = Projection(columns, r, (step - 1) / Period);
            Matrix64 low = (Matrix64.Normal(rows, columns, 100 + step, 0.1) * projection).Map(static v => (float)v);
            trial.Step(low.Elements, rate);
            w = ((1 - (rate * 0.1f)) * w) - (rate * 0.5 * (adam.Direction(low) * projection.Transposed));
        }

        OptimizerTrial.AssertClose(w.Elements, trial.Parameter);
        OptimizerTrial.AssertClose(adam.First.Elements, trial.State("first_moment"));
        OptimizerTrial.AssertClose(adam.Second.Elements, trial.State("second_moment"));
        Assert.Equal(4L * 2 * rows * r, trial.StateBytes);
    }

    [Theory]
    [InlineData("model.embed_tokens.weight")]
    [InlineData("layers.0.self_attn.o_proj.weight")]
    [InlineData("layers.0.mlp.router.weight")]
    public void What_has_a_whole_gradient_is_under_AdamW(string name)
    {
        double[] initial = OptimizerTrial.Normal(12 * 20, 1), gradient = OptimizerTrial.Normal(12 * 20, 2);
        using OptimizerTrial trial = new(new CompAct(), initial, new Shape(12, 20), name), plain = new(new AdamW(0.9f, 0.999f, 1e-8f, 0), initial, new Shape(12, 20), name);
        trial.Step(gradient, 0.1);
        plain.Step(gradient, 0.1);
        Assert.Equal(plain.Parameter, trial.Parameter);
    }

    /// <summary>What the rule projects a weight of so many columns by.</summary>
    internal static Matrix64 Projection(int columns, int rank, int epoch, ulong seed = Seed, string name = Name) => new(columns, rank, TokenReference.RandomMatrix(
        new RandomMatrix(columns, rank, (float)Math.Sqrt(1.0 / rank), seed, CounterRandom.StreamOf(name + ".projection")), (ulong)epoch));
}
