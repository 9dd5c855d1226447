using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;
using Ration.Training;

namespace Ration.Tests.Planning.Passes;

/// <summary>Weight gradients that are estimated from less than the inputs: right in the mean, and the bytes are those of the formula.</summary>
public sealed class LinearInputsTests
{
    private const int Tokens = GradientTrial.Rows * GradientTrial.Sequence;

    [Theory]
    [InlineData("wta-crs")]
    [InlineData("compact")]
    public void The_mean_over_many_draws_is_the_exact_gradient(string method)
    {
        const int Draws = 6000;
        (int rows, int width, int outputs) = (40, 12, 5);
        GraphBuilder builder = new() { Block = 0 };
        Value x = builder.Input("x", new Shape(rows, width)), dy = builder.Input("dy", new Shape(rows, outputs)), weight = builder.Parameter("w", new Shape(outputs, width));
        Value input = builder.Elementwise(new Ration.Graphs.Elementwise.Load(x) * 1f, "input"), y = builder.Linear(input, weight, "y");
        Value gradient = Differentiation.Backward(builder, new Dictionary<Value, Value?> { [y] = dy })[weight];
        builder.Output(gradient);
        Graph exact = builder.Build(), estimated = ActivationMethods.Parse(method).Apply(exact);
        GraphLaws.Check(estimated);
        Random random = new(3);
        // Lengths that differ much, so that some rows are certain.
        float[] inputs = [.. Enumerable.Range(0, rows * width).Select(i => (float)(random.NextDouble() - 0.5) * (1 + (i / width % 7 == 0 ? 9 : i / width % 3)))];
        float[] gradients = [.. Enumerable.Range(0, rows * outputs).Select(_ => (float)(random.NextDouble() - 0.5))];
        double[] right = Run(exact, 1)[0], sums = new double[right.Length], squares = new double[right.Length];
        foreach (double[] one in Run(estimated, Draws))
        {
            for (int i = 0; i < one.Length; i++) (sums[i], squares[i]) = (sums[i] + one[i], squares[i] + (one[i] * one[i]));
        }

        double worst = 0, all = 0;
        for (int i = 0; i < right.Length; i++)
        {
            double mean = sums[i] / Draws, error = Math.Sqrt(Math.Max(0, (squares[i] / Draws) - (mean * mean)) / Draws), off = Math.Abs(mean - right[i]) / error;
            (worst, all) = (Math.Max(worst, off), all + (off * off));
        }

        Assert.True(worst < 4.5, $"a mean is off by {worst} standard errors");
        Assert.InRange(all / right.Length, 0.5, 1.6);

        List<double[]> Run(Graph graph, long draws)
        {
            using CpuDevice device = new(1);
            StepProgram program = StepProgram.Compile(graph, device);
            using Executor executor = new(device, program);
            float[] result = new float[outputs * width];
            List<double[]> results = [];
            for (long draw = 0; draw < draws; draw++)
            {
                executor.Write<float>(program, "x", inputs);
                executor.Write<float>(program, "dy", gradients);
                if (program.Has("randomKey")) executor.Write<long>(program, "randomKey", [11, draw]);
                executor.Run(program, Phase.Repeat);
                executor.Read<float>(program, gradient.Name, result);
                results.Add([.. result.Select(static v => (double)v)]);
            }

            return results;
        }
    }

    [Fact]
    public void Three_tenths_of_the_tokens_are_kept_with_a_number_and_a_weight_each()
    {
        ModelConfiguration model = GradientTrial.Gated;
        int chosen = (int)Math.Ceiling(0.3 * Tokens);
        long saved = (2 * model.Width) + model.HiddenWidth;
        Assert.Equal((4 * (Tokens - chosen) * saved) - (3 * 8 * chosen), Kept("f32") - Kept("wta-crs"));
    }

    [Fact]
    public void A_quarter_of_the_channels_is_kept()
    {
        ModelConfiguration model = GradientTrial.Gated;
        Assert.Equal(4 * Tokens * 3 * ((2 * model.Width) + model.HiddenWidth) / 4, Kept("f32") - Kept("compact"));
    }

    [Theory]
    [InlineData("wta-crs")]
    [InlineData("compact")]
    public void The_loss_and_what_passes_through_are_exact(string method)
    {
        MemoryChoices choices = SavedActivationsTests.Choices(method, "none");
        (double loss, IDictionary<string, double[]> exact) = GradientTrial.Run(GradientTrial.Step(GradientTrial.Gated), choices with { Activations = ActivationMethods.Full });
        (double other, IDictionary<string, double[]> gradients) = GradientTrial.Run(GradientTrial.Step(GradientTrial.Gated), choices);
        Assert.Equal(loss, other);
        foreach ((string name, double[] gradient) in exact)
        {
            bool isEstimated = name.Contains("mlp", StringComparison.Ordinal) || (name.Contains("attn", StringComparison.Ordinal) && !name.Contains("o_proj", StringComparison.Ordinal));
            Assert.Equal(isEstimated, !gradient.SequenceEqual(gradients[name]));
        }
    }

    // Bytes that the middle block hands to the backward pass with nothing computed again.
    private static long Kept(string method)
    {
        Graph graph = TrainingGraph.Build(GradientTrial.Step(GradientTrial.Gated), SavedActivationsTests.Choices(method, "none")).Graph;
        HashSet<int> read = [.. graph.Nodes.Where(static n => n.Pass == Pass.Backward).SelectMany(static n => n.Inputs).Select(static v => v.Id)];
        return graph.Nodes.Where(static n => n is { Pass: Pass.Forward, Block: 1 })
            .SelectMany(static n => n.Outputs).Where(v => read.Contains(v.Id) && v.Kind == MemoryKind.Activations).Sum(static v => v.Bytes);
    }
}
