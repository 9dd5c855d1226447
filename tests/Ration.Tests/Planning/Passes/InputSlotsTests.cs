using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Planning.Passes;

/// <summary>Only what trained layers read waits for the backward pass: in as many bytes as the formula says, and with the same bits.</summary>
public sealed class InputSlotsTests
{
    private const int Tokens = GradientTrial.Rows * GradientTrial.Sequence;

    [Theory]
    [InlineData(true, 0.9)]
    [InlineData(true, 0.8)]
    [InlineData(false, 0.8)]
    [InlineData(false, 0.95)]
    public void There_is_room_for_the_largest_inputs_of_the_layers_that_are_trained_at_once(bool gated, double frozen)
    {
        ModelConfiguration model = gated ? GradientTrial.Gated : GradientTrial.Plain;
        int layers = (model.Layers * (gated ? 9 : 8)) + 3, trained = layers - (int)(frozen * layers), inputs = 3 * model.Layers;

        // Of each block what the two norms yield and what the last layer of the MLP reads.
        long[] widths = [.. Enumerable.Repeat((long)model.HiddenWidth, model.Layers), .. Enumerable.Repeat((long)model.Width, 2 * model.Layers)];
        long room = Tokens * widths.Take(trained).Sum();
        Graph graph = Build(model, new SlimFit(frozen), "none");
        Assert.Equal(4 * room, Assert.Single(graph.Nodes.Select(static n => n.Op).OfType<EmptySlots>()).Bytes);
        Assert.Equal(inputs, graph.Nodes.Count(static n => n.Op is StoreInSlot));
        Assert.Equal(Kept(Build(model, new AdamW(), "none")) - (4 * Tokens * widths.Sum()) + (4 * room) + (8 * (inputs + 1)), Kept(graph));
        Assert.All(graph.Nodes.Where(static n => n.Op is LoadFromSlot), static n => Assert.NotNull(n.Condition));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void In_fixed_point_the_widest_inputs_are_as_long_as_others_and_norms_keep_a_tenth(bool gated)
    {
        ModelConfiguration model = gated ? GradientTrial.Gated : GradientTrial.Plain;
        int trained = 6, attention = 2 * (model.Heads + model.KvHeads) * model.HeadDimension, kept = (model.Width + 9) / 10;
        Graph graph = Build(model, new SlimFit(0.8), "none", "slimfit");
        long room = Tokens * trained * 4 * model.Width;
        Assert.Equal(room, Assert.Single(graph.Nodes.Select(static n => n.Op).OfType<EmptySlots>()).Bytes);

        // Two norms in a block and the last one; of each row its inverse deviation and, where there is one, its mean. A log-sum-exp a head.
        int norms = (2 * model.Layers) + 1, slots = (3 * model.Layers) + norms;
        double activation = gated ? 2 * model.HiddenWidth : 0.5 * model.HiddenWidth;
        double block = attention + activation + (4 * model.Heads), norm = (8 * kept) + (gated ? 4 : 8);
        double outside = 4 * (model.Width + 1);
        Assert.Equal((Tokens * ((model.Layers * block) + (norms * norm) + outside)) + room + (8 * (slots + 1)), Kept(graph));
    }

    [Theory]
    [InlineData(true, 4)]
    [InlineData(false, 1)]
    public void A_norm_that_is_trained_reads_all_of_its_input(bool gated, int rows)
    {
        TrainingStep step = GradientTrial.Step(gated ? GradientTrial.Gated : GradientTrial.Plain) with { Optimizer = new SlimFit(0.5) };
        MemoryChoices choices = new(rows, RecomputeChoice.Parse("none"), false) { Activations = ActivationMethods.Parse("slimfit") };

        // The last norm comes first in the backward pass: nothing that waits in fewer bits is read before it.
        using CpuDevice device = new(2), other = new(2);
        using StepRunner runner = new(step, choices, device), exact = new(step, choices with { Activations = ActivationMethods.Full }, other);
        Assert.Equal(7, runner.Program.Graph.Nodes.Count(static n => n.Op is KeepLargest));
        for (int i = 0; i < 4; i++)
        {
            Batch batch = Batch.Random(GradientTrial.Rows, GradientTrial.Sequence, step.Model.Vocabulary, i);
            Assert.Equal(exact.Step(batch, 0), runner.Step(batch, 0));
            Assert.Equal(Moment(exact, "model.norm.weight"), Moment(runner, "model.norm.weight"));
        }

        Assert.Contains(Moment(exact, "model.norm.weight"), static m => m != 0);
        string first = runner.Program.Graph.Persistent.First(static v => LayerFreezing.Takes(v) && v.Block is { Number: 0 } && v.Shape.Rank == 2).Name;
        Assert.NotEqual(Moment(exact, first), Moment(runner, first));

        static float[] Moment(StepRunner r, string layer) => r.Read(r.Program.Graph.Persistent.Single(v => v.Name == layer + ".first_moment"));
    }

    [Fact]
    public void A_plan_is_smaller_by_what_does_not_wait()
    {
        using NullDevice device = new();
        ModelConfiguration model = GradientTrial.Gated with { Layers = 12 };
        long Bytes(IOptimizer rule) => StepProgram.Compile(Build(model, rule, "none"), device).TransientBytes;
        long spared = 4 * Tokens * ((12 * ((2 * model.Width) + model.HiddenWidth)) - (12 * model.HiddenWidth));
        Assert.InRange(Bytes(new AdamW()) - Bytes(new SlimFit()), (long)(0.9 * spared), (long)(1.1 * spared));
    }

    [Theory]
    [InlineData("cheap", 0)]
    [InlineData("mlp", 0)]
    [InlineData("optimal:--b", 6)]
    public void What_is_computed_again_needs_no_slot(string recompute, int slots)
    {
        Graph graph = Build(GradientTrial.Gated, new SlimFit(), recompute);
        Assert.Equal(slots, graph.Nodes.Count(static n => n.Op is StoreInSlot));
    }

    [Theory]
    [InlineData(true, 4, "f32")]
    [InlineData(false, 4, "f32")]
    [InlineData(true, 1, "f32")]
    [InlineData(false, 2, "bf16")]
    [InlineData(true, 2, "mesa")]
    [InlineData(false, 4, "slimfit")]
    public void Slots_change_no_bit(bool gated, int rows, string activations)
    {
        TrainingStep step = GradientTrial.Step(gated ? GradientTrial.Gated : GradientTrial.Plain) with { Optimizer = new SlimFit(0.8), Dropout = 0.1f };
        MemoryChoices choices = new(rows, RecomputeChoice.Parse("none"), rows == GradientTrial.Rows);
        Graph plain = new ConditionalWork().Apply(TrainingGraph.Trace(step, rows).Graph);
        SortedDictionary<string, float[]> expected = Train(step, choices, _ => plain);
        Compare(Train(step, choices, null));
        if (activations == "f32") return;

        // What waits in another form is read back from it, whether or not something else waits in slots.
        SortedDictionary<string, float[]> others = Train(step, choices with { Activations = ActivationMethods.Parse(activations) }, null);
        Assert.Contains(expected, e => !e.Value.SequenceEqual(others[e.Key]));
        Assert.All(others.Values, static v => Assert.All(v, static x => Assert.True(float.IsFinite(x))));

        void Compare(SortedDictionary<string, float[]> actual)
        {
            Assert.Equal(expected.Keys, actual.Keys);
            foreach ((string name, float[] elements) in expected) Assert.True(elements.SequenceEqual(actual[name]), $"{name} differs");
        }
    }

    [Fact]
    public void Of_more_layers_than_there_is_room_for_nothing_is_overwritten()
    {
        TrainingStep step = GradientTrial.Step(GradientTrial.Gated) with { Optimizer = new SlimFit(0) };
        MemoryChoices choices = new(GradientTrial.Rows, RecomputeChoice.Parse("none"), false);
        TrainingGraph traced = TrainingGraph.Trace(step, GradientTrial.Rows);
        Dictionary<string, Value> layers = traced.Graph.Inputs.Where(static v => v.Name.StartsWith("trained.", StringComparison.Ordinal)).ToDictionary(static v => v.Name["trained.".Length..]);
        Assert.Equal(30, layers.Count);
        Graph small = new ConditionalWork().Apply(new InputSlots(layers, 4).Apply(traced.Graph));
        Assert.Contains("there is no slot left", Assert.Throws<InvalidOperationException>(() => Train(step, choices, _ => small)).Message, StringComparison.Ordinal);
    }

    private static Graph Build(ModelConfiguration model, IOptimizer rule, string recompute, string activations = "f32") => TrainingGraph.Build(
        GradientTrial.Step(model) with { Optimizer = rule },
            new MemoryChoices(GradientTrial.Rows, RecomputeChoice.Parse(recompute), true) { Activations = ActivationMethods.Parse(activations) }).Graph;

    private static long Kept(Graph graph)
    {
        HashSet<int> read = [.. graph.Nodes.Where(static n => n.Pass == Pass.Backward).SelectMany(static n => n.Inputs).Select(static v => v.Id)];
        return graph.Nodes.Where(static n => n.Pass == Pass.Forward).SelectMany(static n => n.Outputs).Where(v => read.Contains(v.Id)).Sum(static v => v.Bytes);
    }

    private static SortedDictionary<string, float[]> Train(TrainingStep step, MemoryChoices choices, Func<Graph, Graph>? rewrite)
    {
        using CpuDevice device = new(2);
        using StepRunner runner = new(step, choices, device, rewrite: rewrite);
        for (int i = 0; i < 8; i++) Assert.True(double.IsFinite(runner.Step(Batch.Random(GradientTrial.Rows, GradientTrial.Sequence, step.Model.Vocabulary, i), 0.003)));
        return runner.State();
    }
}
