using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Planning.Passes;

/// <summary>Norms that keep their normalized rows: the same numbers, and one tensor for two readers.</summary>
public sealed class MemorySharingNormsTests
{
    private const int Tokens = GradientTrial.Rows * GradientTrial.Sequence;

    private static readonly ModelConfiguration s_offset = GradientTrial.Gated with { Name = "offset", NormGainOffset = 1, PostNorms = true, QueryKeyNorms = true };

    [Theory]
    [InlineData("none", 4)]
    [InlineData("none", 2)]
    [InlineData("cheap", 4)]
    [InlineData("cheap+2-blocks", 1)]
    [InlineData("optimal:-mb", 4)]
    public void The_loss_has_the_same_bits_and_gradients_are_to_rounding(string recompute, int rows)
    {
        foreach (ModelConfiguration model in (ModelConfiguration[])[GradientTrial.Gated, GradientTrial.Plain, s_offset])
        {
            TrainingStep step = GradientTrial.Step(model) with { Optimizer = new Sgd(0.9f) };
            (double loss, SortedDictionary<string, float[]> exact) = FirstStep(step, SavedActivationsTests.Choices("f32", recompute) with { MicroBatchRows = rows });
            (double other, SortedDictionary<string, float[]> state) = FirstStep(step, SavedActivationsTests.Choices("ms-bp", recompute) with { MicroBatchRows = rows });
            Assert.Equal(loss, other);
            foreach ((string name, float[] gradient) in exact.Where(static s => s.Key.EndsWith("velocity", StringComparison.Ordinal)))
            {
                double error = GradientTrial.Error([.. gradient.Select(static v => (double)v)], [.. state[name].Select(static v => (double)v)]);
                Assert.True(error <= 1e-6, $"{model.Name} {name}: {error:E2}");
            }

            Assert.Contains(exact, s => !s.Value.SequenceEqual(state[s.Key]));
        }
    }

    [Fact]
    public void Clipping_in_two_passes_has_the_bits_of_clipping_by_the_global_norm()
    {
        TrainingStep step = GradientTrial.Step(GradientTrial.Gated) with { Optimizer = new Sgd(0.9f), ClipNorm = 0.01f, ClipScope = ClipScope.Global };
        MemoryChoices choices = SavedActivationsTests.Choices("ms-bp", "cheap+1-blocks");
        SortedDictionary<string, float[]> once = FirstStep(step, choices).State, twice = FirstStep(step with { ClipScope = ClipScope.TwoPass }, choices with { Release = true }).State;
        Assert.All(once, s => Assert.Equal(s.Value, twice[s.Key]));
        Graph graph = TrainingGraph.Build(step with { ClipScope = ClipScope.TwoPass }, choices).Graph;
        GraphLaws.Check(graph);
        Assert.Equal([0, 1], graph.Nodes.Where(static n => n is { Pass: Pass.Backward, Op: ScaleColumns }).Select(static n => n.Sweep).Distinct().Order());
    }

    [Fact]
    public void A_norm_keeps_one_tensor_instead_of_two_where_nothing_is_computed_again()
    {
        ModelConfiguration model = GradientTrial.Gated;
        Assert.Equal(4 * Tokens * 2 * model.Width, Kept(model, "f32", "none") - Kept(model, "ms-bp", "none"));
        // Of a layer norm the mean of each row goes too.
        model = GradientTrial.Plain;
        Assert.Equal(4 * Tokens * 2 * (model.Width + 1), Kept(model, "f32", "none") - Kept(model, "ms-bp", "none"));
    }

    [Fact]
    public void Beside_computing_norms_again_it_keeps_as_much_and_a_root_for_each_row()
    {
        foreach (ModelConfiguration model in (ModelConfiguration[])[GradientTrial.Gated, GradientTrial.Plain])
            Assert.Equal(4 * Tokens * 2, Kept(model, "ms-bp", "cheap") - Kept(model, "f32", "cheap"));
    }

    // Bytes that the middle block hands to the backward pass.
    private static long Kept(ModelConfiguration model, string method, string recompute)
    {
        Graph graph = TrainingGraph.Build(GradientTrial.Step(model), SavedActivationsTests.Choices(method, recompute)).Graph;
        HashSet<int> read = [.. graph.Nodes.Where(static n => n.Pass == Pass.Backward).SelectMany(static n => n.Inputs).Select(static v => v.Id)];
        return graph.Nodes.Where(static n => n is { Pass: Pass.Forward, Block: 1 }).SelectMany(static n => n.Outputs).Where(v => read.Contains(v.Id)).Sum(static v => v.Bytes);
    }

    private static (double Loss, SortedDictionary<string, float[]> State) FirstStep(TrainingStep step, MemoryChoices choices)
    {
        using CpuDevice device = new(2);
        using StepRunner runner = new(step, choices, device);
        double loss = runner.Step(Batch.Random(GradientTrial.Rows, GradientTrial.Sequence, step.Model.Vocabulary, 5), 0.1);
        return (loss, runner.State());
    }
}
