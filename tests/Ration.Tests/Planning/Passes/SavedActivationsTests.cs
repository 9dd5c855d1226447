using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;
using Ration.Tests.Models;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Planning.Passes;

/// <summary>Activations that wait in another form: the forward pass is as it was, gradients are near, bytes are those of the form.</summary>
public sealed class SavedActivationsTests
{
    private const int Tokens = GradientTrial.Rows * GradientTrial.Sequence;

    /// <summary>Every method that is not exact, with the largest error of a gradient in parts of its length.</summary>
    public static TheoryData<string, double> Errors => new() { { "bf16", 0.01 }, { "mesa", 0.1 } };

    [Fact]
    public void A_block_keeps_two_bytes_an_element_in_bf16()
    {
        ModelConfiguration model = GradientTrial.Gated;
        long queries = model.Heads * model.HeadDimension, keys = model.KvHeads * model.HeadDimension;
        // The block's input and middle, queries, keys, values and what attention made of them, gate and up; a log-sum-exp a head.
        long elements = (2 * model.Width) + (2 * queries) + (2 * keys) + (2 * model.HiddenWidth);
        Assert.Equal(Tokens * ((4 * elements) + (4 * model.Heads)), KeptByBlock(model, "f32"));
        Assert.Equal(Tokens * ((2 * elements) + (4 * model.Heads)), KeptByBlock(model, "bf16"));
    }

    [Fact]
    public void Mesa_keeps_a_byte_an_element_and_two_floats_a_group()
    {
        // Widths are whole heads, but for the hidden layer's, whose values are one group each.
        ModelConfiguration model = GradientTrial.Gated;
        long heads = (2 * model.Width / model.HeadDimension) + (2 * model.Heads) + (2 * model.KvHeads) + 2;
        long elements = (2 * model.Width) + (2 * model.Heads * model.HeadDimension) + (2 * model.KvHeads * model.HeadDimension) + (2 * model.HiddenWidth);
        Assert.Equal((Tokens * (elements + (4 * model.Heads))) + (8 * heads), KeptByBlock(model, "mesa"));
        Graph graph = TrainingGraph.Build(GradientTrial.Step(model), Choices("mesa", "cheap")).Graph;
        Value[] estimates = [.. graph.Persistent.Where(static v => v.Kind == MemoryKind.Activations)];
        Assert.Equal(8 * heads, estimates.Where(static v => v.Name.StartsWith("layers.1.", StringComparison.Ordinal)).Sum(static v => v.Bytes));
    }

    [Fact]
    public void Fixed_point_is_of_a_byte_or_half_a_byte_an_element_and_leaves_norms_whole()
    {
        ModelConfiguration model = GradientTrial.Gated;
        int attention = 2 * (model.Heads + model.KvHeads) * model.HeadDimension;
        Assert.Equal(Tokens * ((4 * 2 * model.Width) + attention + (2 * model.HiddenWidth) + (4 * model.Heads)), KeptByBlock(model, "slimfit"));

        // What norms yield, attention and the activation function's output in a byte; of its input only the slope is made.
        ModelConfiguration plain = GradientTrial.Plain;
        long Bytes(string method) => Kept(TrainingGraph.Build(GradientTrial.Step(plain), Choices(method, "none")).Graph);
        Assert.Equal(Tokens * ((3 * ((2 * plain.Width) + attention + plain.HiddenWidth)) + (3.5 * plain.HiddenWidth)), Bytes("f32") - Bytes("slimfit"));
    }

    [Theory]
    [InlineData(true, 0.9)]
    [InlineData(false, 0.9)]
    public void Fixed_point_gives_gradients_that_point_the_same_way(bool gated, double least)
    {
        ModelConfiguration model = gated ? GradientTrial.Gated : GradientTrial.Plain;
        (double loss, IDictionary<string, double[]> exact) = GradientTrial.Run(GradientTrial.Step(model), Choices("f32", "none"));
        (double other, IDictionary<string, double[]> gradients) = GradientTrial.Run(GradientTrial.Step(model), Choices("slimfit", "none"));
        Assert.Equal(loss, other);
        double[] all = [.. exact.Values.SelectMany(static g => g)], alike = [.. exact.Keys.SelectMany(k => gradients[k])];
        double cosine = all.Zip(alike, static (a, b) => a * b).Sum() / Math.Sqrt(all.Sum(static a => a * a) * alike.Sum(static a => a * a));
        Assert.InRange(cosine, least, 0.99999);
        // The head's gradient reads nothing that waits so.
        Assert.Equal(exact["lm_head.weight"], gradients["lm_head.weight"]);
    }

    [Fact]
    public void Mesa_rounds_without_bias_and_renews_its_estimates()
    {
        const int Rows = 3, Width = 8;
        GraphBuilder builder = new();
        Value x = builder.Input("x", new Shape(Rows, Width)), key = builder.Input("key", new Shape(2), DType.I64), estimates = builder.State("estimates", new Shape(2, 1), MemoryKind.Activations);
        IReadOnlyList<Value> stored = builder.Emit(new QuantizeActivation(Width, 0.9f, 1), "codes", MemoryKind.Activations, x, estimates, key);
        Value restored = builder.Emit(new DequantizeActivation(Width), "restored", MemoryKind.Activations, stored)[0];
        builder.Output(restored);
        using CpuDevice device = new(1);
        StepProgram program = StepProgram.Compile(builder.Build(), device);
        using Executor executor = new(device, program);
        float[] numbers = [.. Enumerable.Range(0, Rows * Width).Select(static i => MathF.Sin(i))], back = new float[Rows * Width];
        executor.Clear(estimates);
        double[] sums = new double[back.Length], squares = new double[back.Length];
        const int Draws = 2000;
        for (long draw = 0; draw < Draws; draw++)
        {
            executor.Write<float>(program, "x", numbers);
            executor.Write<long>(program, "key", [7, 100 * draw]);
            executor.Run(program, Phase.Repeat);
            executor.Read<float>(program, "restored", back);
            for (int i = 0; i < back.Length; i++) (sums[i], squares[i]) = (sums[i] + back[i], squares[i] + ((double)back[i] * back[i]));
        }

        double step = (numbers.Max() - numbers.Min()) / 255;
        for (int i = 0; i < back.Length; i++)
        {
            double mean = sums[i] / Draws, deviation = Math.Sqrt(Math.Max(0, (squares[i] / Draws) - (mean * mean)));
            Assert.True(deviation <= 0.51 * step, $"{deviation} is more than half a step {step}");
            Assert.True(Math.Abs(mean - numbers[i]) <= (5 * deviation / Math.Sqrt(Draws)) + 1e-6,
                $"{i}: the mean {mean} of {numbers[i]} is off by more than five standard errors of {deviation / Math.Sqrt(Draws)}");
        }
    }

    [Fact]
    public void Two_bits_an_element_are_kept_of_an_activation_function()
    {
        ModelConfiguration model = GradientTrial.Plain;
        // Its input need not be kept, but its output must be.
        Assert.Equal(Tokens * model.HiddenWidth / 4, KeptByBlock(model, "approx-bp") - KeptByBlock(model, "f32"));
        Graph graph = TrainingGraph.Build(GradientTrial.Step(model), Choices("approx-bp", "none")).Graph;
        Graph plain = TrainingGraph.Build(GradientTrial.Step(model), Choices("f32", "none")).Graph;
        Assert.Equal(Tokens * (4 - 0.25) * model.HiddenWidth, Kept(plain) - Kept(graph));
    }

    [Fact]
    public void Approximate_slopes_give_gradients_that_point_the_same_way()
    {
        (double loss, IDictionary<string, double[]> exact) = GradientTrial.Run(GradientTrial.Step(GradientTrial.Plain), Choices("f32", "none"));
        (double other, IDictionary<string, double[]> gradients) = GradientTrial.Run(GradientTrial.Step(GradientTrial.Plain), Choices("approx-bp", "none"));
        Assert.Equal(loss, other);
        double[] all = [.. exact.Values.SelectMany(static g => g)], alike = [.. exact.Keys.SelectMany(k => gradients[k])];
        double cosine = all.Zip(alike, static (a, b) => a * b).Sum() / Math.Sqrt(all.Sum(static a => a * a) * alike.Sum(static a => a * a));
        // Near zero, where a new model is, an interval's one slope stands for many.
        Assert.InRange(cosine, 0.9, 0.99999);
        // What lies after the last activation function is as it was.
        Assert.Equal(exact["lm_head.weight"], gradients["lm_head.weight"]);
        Assert.Equal(exact["model.layers.2.mlp.down_proj.weight"], gradients["model.layers.2.mlp.down_proj.weight"]);
    }

    [Theory]
    [MemberData(nameof(Errors))]
    public void The_loss_is_the_same_and_gradients_are_near(string method, double bound)
    {
        foreach (ModelConfiguration model in (ModelConfiguration[])[GradientTrial.Gated, GradientTrial.Plain])
        {
            foreach (string recompute in (string[])["none", "cheap", "cheap+2-blocks", "optimal:-mb"])
            {
                (double loss, IDictionary<string, double[]> exact) = GradientTrial.Run(GradientTrial.Step(model), Choices("f32", "none"));
                (double other, IDictionary<string, double[]> gradients) = GradientTrial.Run(GradientTrial.Step(model), Choices(method, recompute));
                Assert.Equal(loss, other);
                foreach ((string name, double[] gradient) in exact)
                {
                    double error = GradientTrial.Error(gradient, gradients[name]);
                    Assert.True(error <= bound, $"{model.Name} {recompute} {name}: {error:E2}");
                }

                Assert.Contains(exact, g => !g.Value.SequenceEqual(gradients[g.Key]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(TrainingSamples.ActivationMethods), MemberType = typeof(TrainingSamples))]
    public void Release_reuse_and_threads_give_the_same_bits(string method)
    {
        TrainingStep step = GradientTrial.Step(GradientTrial.Gated) with { Dropout = 0.1f };
        (double[] losses, IDictionary<string, float[]> state) = Train(step, Choices(method, "optimal:-cb"), threads: 1, reuse: false);
        foreach ((bool release, bool reuse, int threads) in ((bool, bool, int)[])[(false, true, 2), (true, false, 3), (true, true, 4)])
        {
            (double[] others, IDictionary<string, float[]> other) = Train(step, Choices(method, "optimal:-cb") with { Release = release }, threads, reuse);
            Assert.Equal(losses, others);
            foreach ((string name, float[] elements) in state) Assert.True(elements.SequenceEqual(other[name]), $"{name} differs, release {release}, reuse {reuse}, {threads} threads");
        }
    }

    [Theory]
    [MemberData(nameof(TrainingSamples.ActivationMethods), MemberType = typeof(TrainingSamples))]
    public void Graphs_keep_their_laws(string method)
    {
        foreach (ModelConfiguration model in Architectures.All.Values)
        {
            foreach ((string recompute, int rows, bool release) in ((string, int, bool)[])[("none", 4, false), ("cheap", 4, true), ("cheap+1-blocks", 2, false),
                ("sqrt", 1, false), ("attention", 4, true), ("mlp", 4, false)])
                GraphLaws.Check(TrainingGraph.Build(GradientTrial.Step(model) with { Sequence = 16 },
                    new MemoryChoices(rows, RecomputeChoice.Parse(recompute), release) { Activations = ActivationMethods.Parse(method) }).Graph);
        }
    }

    [Fact]
    public void What_is_read_again_at_once_is_not_stored()
    {
        Graph graph = TrainingGraph.Build(GradientTrial.Step(GradientTrial.Gated), Choices("bf16", "cheap")).Graph;
        Node loss = graph.Nodes.First(static n => n.Op is LinearCrossEntropyGradient);
        Assert.Contains(graph.Nodes, n => n.Pass == Pass.Forward && n.Outputs.Contains(loss.Inputs[0]));
    }

    [Fact]
    public void Names_are_read_as_they_are_written()
    {
        Assert.All(ActivationMethods.All, static m => Assert.Same(m, ActivationMethods.Parse(m.Name)));
        Assert.Contains("bf16", Assert.Throws<FormatException>(static () => ActivationMethods.Parse("f8")).Message, StringComparison.Ordinal);
        Assert.Equal(MethodQuality.Exact, new MemoryChoices(1, default, false).Quality);
        Assert.Equal(MethodQuality.High, Choices("bf16", "none").Quality);
    }

    internal static MemoryChoices Choices(string method, string recompute) =>
        new(GradientTrial.Rows, RecomputeChoice.Parse(recompute), false) { Activations = ActivationMethods.Parse(method) };

    /// <summary>Bytes that the middle block hands from its forward to the backward pass with everything cheap computed again.</summary>
    internal static long KeptByBlock(ModelConfiguration model, string method) => Kept(TrainingGraph.Build(GradientTrial.Step(model), Choices(method, "cheap")).Graph);

    private static long Kept(Graph graph)
    {
        HashSet<int> read = [.. graph.Nodes.Where(static n => n.Pass == Pass.Backward).SelectMany(static n => n.Inputs).Select(static v => v.Id)];
        return graph.Nodes.Where(static n => n is { Pass: Pass.Forward, Block: 1 }).SelectMany(static n => n.Outputs).Where(v => read.Contains(v.Id)).Sum(static v => v.Bytes);
    }

    private static (double[] Losses, IDictionary<string, float[]> State) Train(TrainingStep step, MemoryChoices choices, int threads, bool reuse)
    {
        using CpuDevice device = new(threads);
        using StepRunner runner = new(step, choices, device, reuse);
        double[] losses = [.. Enumerable.Range(0, 3).Select(i => runner.Step(Batch.Random(GradientTrial.Rows, GradientTrial.Sequence, step.Model.Vocabulary, i), 0.1))];
        return (losses, runner.State());
    }
}
