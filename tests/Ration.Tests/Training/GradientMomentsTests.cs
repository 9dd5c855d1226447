using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs.Elementwise;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>Sums of gradients and of their squares over the parts of a step.</summary>
public sealed class GradientMomentsTests
{
    private const int Rows = 6, Sequence = 11;

    // Keeps what it was given.
    private sealed record Probe(int GradientParts) : IOptimizer
    {
        public string Name => "probe";

        public void Update(UpdateBuilder u)
        {
            u.Assign(u.State("sum"), GradientParts == 0 ? u.Gradient : new Load(u.Moments!.Sum));
            if (GradientParts > 0) u.Assign(u.State("squares"), new Load(u.Moments!.Squares));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(6)]
    public void They_are_those_of_the_parts_by_themselves(int parts)
    {
        Batch all = Batch.Random(Rows, Sequence, TrainingSamples.Model.Vocabulary, 1);
        SortedDictionary<string, float[]> moments = Kept(new Probe(parts), all, Rows / parts);
        Dictionary<string, (double[] Sum, double[] Squares)> expected = [];
        for (int part = 0; part < parts; part++)
        {
            Batch rows = Part(all, part, Rows / parts);
            double share = (double)rows.Valid / all.Valid;
            foreach ((string name, float[] elements) in Kept(new Probe(0), rows, rows.Rows).Where(static p => p.Key.EndsWith(".sum", StringComparison.Ordinal)))
            {
                string parameter = name[..^4];
                if (!expected.TryGetValue(parameter, out (double[] Sum, double[] Squares) sums)) expected[parameter] = sums = (new double[elements.Length], new double[elements.Length]);
                for (int i = 0; i < elements.Length; i++)
                {
                    double g = elements[i] * share;
                    sums.Sum[i] += g;
                    sums.Squares[i] += g * g;
                }
            }
        }

        Assert.Equal(TransformerModel.ParameterShapes(TrainingSamples.Model).Count(), expected.Count);
        foreach ((string name, (double[] sum, double[] squares)) in expected)
        {
            AssertClose(sum, moments[name + ".sum"]);
            AssertClose(squares, moments[name + ".squares"]);
        }
    }

    [Fact]
    public void They_take_two_sums_and_the_gradients_at_work()
    {
        TrainingStep step = new(TrainingSamples.Model with { Layers = 12, Vocabulary = 64 }, 4, 8, new Vrgd(new Sgd(), 4));
        long weights = TransformerModel.ParameterShapes(step.Model).Sum(static p => p.Shape.Elements) * sizeof(float);
        long largest = TransformerModel.ParameterShapes(step.Model).Max(static p => p.Shape.Elements) * sizeof(float);
        using NullDevice device = new();
        StepProgram program = StepProgram.Compile(TrainingGraph.Build(step, new MemoryChoices(1, default, Release: false)).Graph, device);
        Assert.Equal(2 * weights, program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.Gradients).Sum(static v => v.Bytes));
        Assert.InRange(Enumerable.Range(0, program.Timeline.Instructions).Max(i => program.Timeline[i, MemoryKind.Gradients]), 2 * weights, (2 * weights) + (4 * largest));
    }

    [Fact]
    public void A_run_that_does_not_divide_into_the_parts_is_refused()
    {
        using NullDevice device = new();
        TrainingOptions options = TrainingSamples.Options();
        Assert.Contains("3 equal parts", Refusal(options with { Optimizer = new Vrgd(new Sgd(), 3) }), StringComparison.Ordinal);
        Assert.Contains("--micro-batch 2", Refusal(options with { Optimizer = new Vrgd(new Sgd(), 2), MicroBatchRows = 2 }), StringComparison.Ordinal);
        Assert.Equal(4, TrainingSamples.Plan(options with { Optimizer = new Vrgd(new Sgd(), 2) }, device).Choices.MicroBatchRows);
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => TrainingGraph.Trace(options.Step with { Optimizer = new Vrgd(new Sgd(), 2) }, 8));

        string Refusal(TrainingOptions bad) => Assert.Throws<InvalidInputException>(() => TrainingSamples.Plan(bad, device)).Message;
    }

    private static SortedDictionary<string, float[]> Kept(Probe probe, Batch batch, int microBatchRows)
    {
        TrainingStep step = new(TrainingSamples.Model, batch.Rows, batch.Sequence, probe, ClipNorm: 0);
        using CpuDevice device = new(2);
        using StepRunner runner = new(step, new MemoryChoices(microBatchRows, default, Release: false), device);
        _ = runner.Step(batch, 1);
        return runner.State();
    }

    private static Batch Part(Batch all, int part, int rows)
    {
        int start = part * rows * all.Sequence, count = rows * all.Sequence;
        return new Batch(rows, all.Sequence, [.. all.Tokens.AsSpan(start, count)], [.. all.Targets.AsSpan(start, count)], [.. all.Positions.AsSpan(start, count)],
            [.. all.KeyRanges.AsSpan(2 * start, 2 * count)]);
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        double greatest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 5e-6 * greatest);
    }
}
