using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Models;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tests.Models;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Planning.Passes;

/// <summary>Activations that wait in another form: the forward pass is as it was, gradients are near, bytes are those of the form.</summary>
public sealed class SavedActivationsTests
{
    private const int Tokens = GradientTrial.Rows * GradientTrial.Sequence;

    /// <summary>Every method that is not exact, with the largest error of a gradient in parts of its length.</summary>
    public static TheoryData<string, double> Errors => new() { { "bf16", 0.01 } };

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
            foreach ((string recompute, int rows, bool release) in ((string, int, bool)[])[("none", 4, false), ("cheap", 4, true), ("cheap+1-blocks", 2, false), ("sqrt", 1, false), ("attention", 4, true), ("mlp", 4, false)])
                GraphLaws.Check(TrainingGraph.Build(GradientTrial.Step(model) with { Sequence = 16 }, new MemoryChoices(rows, RecomputeChoice.Parse(recompute), release) { Activations = ActivationMethods.Parse(method) }).Graph);
        }
    }

    [Fact]
    public void What_is_read_again_at_once_is_not_stored()
    {
        Graph graph = TrainingGraph.Build(GradientTrial.Step(GradientTrial.Gated), Choices("bf16", "cheap")).Graph;
        Node loss = graph.Nodes.First(static n => n.Op is Ration.Graphs.Ops.LinearCrossEntropyGradient);
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
    internal static long KeptByBlock(ModelConfiguration model, string method)
    {
        Graph graph = TrainingGraph.Build(GradientTrial.Step(model), Choices(method, "cheap")).Graph;
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
