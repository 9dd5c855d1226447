using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Planning.Passes;

/// <summary>Arranging memory never changes the numbers, and saves the bytes it is meant to save.</summary>
public sealed class ArrangementTests
{
    private const int Rows = 4, Sequence = 11, Steps = 3;

    private static readonly ModelConfiguration s_model = new()
    {
        Name = "three layers",
        Vocabulary = 67,
        Width = 20,
        HiddenWidth = 36,
        Layers = 3,
        Heads = 2,
        KvHeads = 1,
        HeadDimension = 10,
    };

    public static TheoryData<string, string, float> Same
    {
        get
        {
            TheoryData<string, string, float> data = [];
            foreach (string recompute in (string[])["none", "cheap", "cheap+1-blocks", "cheap+2-blocks", "cheap+3-blocks", "sqrt", "attention", "mlp", "optimal:-pb", "optimal:b++", "optimal:amc"])
            {
                data.Add(recompute, "adamw", 0);
                data.Add(recompute, "sgd", 0);
                data.Add(recompute, "adamw", 0.2f);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Same))]
    public void Recompute_release_and_reuse_give_the_same_bits(string recompute, string optimizer, float dropout)
    {
        TrainingStep step = Step(optimizer) with { Dropout = dropout };
        int rows = Rows / Math.Max(1, step.Optimizer.GradientParts);
        (double[] losses, IDictionary<string, float[]> state) = Train(step, Choices("none") with { MicroBatchRows = rows }, reuse: false);
        Assert.All(losses, static l => Assert.True(double.IsFinite(l)));
        foreach ((bool release, bool reuse, HeadGradient head) in ((bool, bool, HeadGradient)[])[(false, false, 0), (true, false, 0), (false, true, 0), (true, true, 0),
            (true, true, HeadGradient.Late)])
        {
            (double[] otherLosses, IDictionary<string, float[]> other) = Train(step, Choices(recompute, release) with { MicroBatchRows = rows, HeadGradient = head }, reuse);
            Assert.Equal(losses, otherLosses);
            Assert.Equal(state.Keys, other.Keys);
            foreach ((string name, float[] elements) in state) Assert.True(elements.SequenceEqual(other[name]), $"{name} differs, release {release}, reuse {reuse}, head {head}");
        }
    }

    [Theory]
    [MemberData(nameof(TrainingSamples.Optimizers), MemberType = typeof(TrainingSamples))]
    public void So_it_does_with_every_optimizer(string optimizer) => Recompute_release_and_reuse_give_the_same_bits("cheap+1-blocks", optimizer, 0);

    [Theory]
    [MemberData(nameof(TrainingSamples.RenewingNames), MemberType = typeof(TrainingSamples))]
    public void And_while_subspaces_are_renewed(string optimizer)
    {
        TrainingStep step = Step("adamw") with { Optimizer = TrainingSamples.Renewing[optimizer] };
        (double[] losses, IDictionary<string, float[]> state) = Train(step, Choices("none"), reuse: false);
        (double[] otherLosses, IDictionary<string, float[]> other) = Train(step, Choices("cheap+1-blocks", release: true));
        Assert.Equal(losses, otherLosses);
        foreach ((string name, float[] elements) in state) Assert.True(elements.SequenceEqual(other[name]), $"{name} differs");
    }

    [Theory]
    [InlineData(ClipScope.Global, 1f)]
    [InlineData(ClipScope.TwoPass, 0.5f)]
    [InlineData(ClipScope.Value, 0.001f)]
    [InlineData(ClipScope.Parameter, 0.05f)]
    [InlineData(ClipScope.Parameter, 0f)]
    public void Clipping_is_not_changed_by_release(ClipScope scope, float norm)
    {
        TrainingStep step = Step("sgd") with { ClipScope = scope, ClipNorm = norm };
        (double[] losses, IDictionary<string, float[]> state) = Train(step, Choices("none"));
        foreach (HeadGradient head in Enum.GetValues<HeadGradient>())
        {
            (double[] released, IDictionary<string, float[]> other) = Train(step, Choices("cheap+3-blocks", release: true) with { HeadGradient = head });
            Assert.Equal(losses, released);
            foreach ((string name, float[] elements) in state) Assert.Equal(elements, other[name]);
        }
    }

    [Theory]
    [InlineData(2, 0f)]
    [InlineData(1, 0f)]
    [InlineData(2, 0.2f)]
    [InlineData(1, 0.2f)]
    public void Micro_batches_add_up_to_the_whole_batch(int microBatchRows, float dropout)
    {
        TrainingStep step = Step("sgd") with { Dropout = dropout };
        (double[] losses, IDictionary<string, float[]> state) = Train(step, Choices("none"));
        foreach (string recompute in (string[])["none", "cheap+2-blocks", "sqrt"])
        {
            (double[] partLosses, IDictionary<string, float[]> parts) = Train(step, new MemoryChoices(microBatchRows, RecomputeChoice.Parse(recompute), false));
            for (int i = 0; i < losses.Length; i++) Assert.Equal(losses[i], partLosses[i], 1e-6 * losses[i]);
            foreach ((string name, float[] elements) in state)
            {
                double norm = Math.Sqrt(elements.Sum(static e => (double)e * e)), error = Math.Sqrt(elements.Zip(parts[name], static (a, b) => ((double)a - b) * ((double)a - b)).Sum());
                Assert.True(error <= 1e-6 * norm, $"{name} is off by {error / norm:E2} of its norm");
            }
        }
    }

    [Fact]
    public void Every_arrangement_keeps_the_laws_of_graphs()
    {
        foreach (string recompute in (string[])["none", "cheap", "cheap+1-blocks", "cheap+3-blocks", "sqrt", "attention", "mlp", "optimal:p-b", "optimal:b+c"])
        {
            foreach ((int rows, bool release) in ((int, bool)[])[(4, false), (4, true), (2, false), (1, false)])
                GraphLaws.Check(TrainingGraph.Build(Step("adamw"), new MemoryChoices(rows, RecomputeChoice.Parse(recompute), release)).Graph);
        }
    }

    [Fact]
    public void Recomputing_more_keeps_fewer_activations()
    {
        TrainingStep step = Deep(layers: 16);
        long[] peaks = [.. ((string[])["none", "cheap", .. Enumerable.Range(1, 16).Select(static n => $"cheap+{n}-blocks")]).Select(r => Transient(step, Choices(r, release: true)))];
        for (int i = 1; i < peaks.Length - 1; i++) Assert.True(peaks[i] < peaks[i - 1], $"{string.Join(", ", peaks)}: number {i} is no smaller");
        Assert.True(peaks[^1] < 0.4 * peaks[0], $"with all blocks recomputed {peaks[^1]} of {peaks[0]} bytes are left");
        long one = BytesOfBlock(step);
        Assert.InRange(peaks[1] - peaks[^2], 0.8 * 14 * one, 15 * one);
    }

    [Fact]
    public void The_square_root_schedule_needs_less_than_all_blocks_in_a_deep_model()
    {
        TrainingStep step = Deep(layers: 64);
        long blocks = Transient(step, Choices("cheap+64-blocks", release: true)), root = Transient(step, Choices("sqrt", release: true));
        Assert.True(root < 0.9 * blocks, $"{root} bytes, {blocks} with each block on its own");
        long deeper = Transient(Deep(layers: 256), Choices("sqrt", release: true));
        Assert.True(deeper < 2.3 * root, $"four times as deep takes {deeper}, not about twice {root} bytes");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(12)]
    [InlineData(32)]
    public void The_square_root_schedule_never_needs_more_than_all_blocks(int layers)
    {
        long blocks = Transient(Deep(layers), Choices($"cheap+{layers}-blocks", release: true)), root = Transient(Deep(layers), Choices("sqrt", release: true));
        Assert.True(root <= blocks, $"{root} bytes, {blocks} with each block on its own");
    }

    [Fact]
    public void Released_gradients_do_not_pile_up()
    {
        TrainingStep step = Deep(layers: 16) with { Rows = 1, Sequence = 8 };
        long weights = TransformerModel.ParameterShapes(step.Model).Sum(static p => p.Shape.Elements) * sizeof(float);
        long kept = Peak(release: false), released = Peak(release: true);
        Assert.Equal(weights, kept);
        long largest = TransformerModel.ParameterShapes(step.Model).Max(static p => p.Shape.Elements) * sizeof(float);
        Assert.InRange(released, largest, 4 * largest);

        long Peak(bool release)
        {
            MemoryTimeline timeline = Compile(step, Choices("none", release)).Timeline;
            return Enumerable.Range(0, timeline.Instructions).Max(i => timeline[i, MemoryKind.Gradients]);
        }
    }

    [Fact]
    public void Global_clipping_holds_every_gradient_even_when_released()
    {
        TrainingStep step = Deep(layers: 4) with { ClipScope = ClipScope.Global };
        MemoryTimeline timeline = Compile(step, Choices("none", release: true)).Timeline;
        long weights = TransformerModel.ParameterShapes(step.Model).Sum(static p => p.Shape.Elements) * sizeof(float);
        Assert.Equal(weights, Enumerable.Range(0, timeline.Instructions).Max(i => timeline[i, MemoryKind.Gradients]));
    }

    [Fact]
    public void Smaller_micro_batches_take_fewer_bytes_and_keep_one_gradient_for_each_weight()
    {
        TrainingStep step = Deep(layers: 8) with { Rows = 8 };
        StepProgram whole = Compile(step, new MemoryChoices(8, RecomputeChoice.Parse("none"), false)), part = Compile(step, new MemoryChoices(1, RecomputeChoice.Parse("none"), false));
        Assert.True(part.TransientBytes < whole.TransientBytes / 4, $"{part.TransientBytes} and {whole.TransientBytes} bytes");
        long weights = whole.Graph.Persistent.Where(static v => v.Kind == MemoryKind.Weights).Sum(static v => v.Bytes);
        Assert.Equal(weights, part.Graph.Persistent.Where(static v => v.Kind == MemoryKind.Gradients).Sum(static v => v.Bytes));
        Assert.Equal(8, part.Graph.Repetitions);
    }

    [Fact]
    public void Reuse_saves_bytes_and_the_placement_wastes_few()
    {
        TrainingStep step = Deep(layers: 6);
        using NullDevice device = new();
        Graph graph = TrainingGraph.Build(step, Choices("none")).Graph;
        StepProgram shared = StepProgram.Compile(graph, device), apart = StepProgram.Compile(graph, device, reuse: false);
        Assert.True(shared.TransientBytes < apart.TransientBytes);
        Assert.InRange(shared.TransientBytes, shared.LowerBoundBytes, (long)(1.02 * shared.LowerBoundBytes));
        Assert.Equal(shared.ArenaBytes, Math.Max(shared.ArenaBytes, StepProgram.LowerBound(graph, device)));
    }

    [Fact]
    public void Nothing_is_computed_again_that_is_not_needed()
    {
        Graph plain = TrainingGraph.Trace(Step("sgd"), Rows).Graph;
        Graph all = Recompute.Blocks(plain, static _ => true).Apply(plain);
        Node[] again = [.. all.Nodes.Where(static n => n.Pass == Pass.Backward).Where(n => plain.Nodes.Any(p => p.Pass == Pass.Forward && ReferenceEquals(p.Op, n.Op)))];
        HashSet<int> read = [.. all.Nodes.SelectMany(static n => n.Inputs).Select(static v => v.Id)];
        Assert.NotEmpty(again);
        Assert.All(again, n => Assert.True(n.Outputs.Any(v => read.Contains(v.Id)), $"{n} is read by nobody"));
        Assert.Equal(again.Length, again.Select(static n => (n.Scope, n.Output.Name)).Distinct().Count());
        Assert.DoesNotContain(again, static n => n.Op is LinearCrossEntropy);
    }

    private static TrainingStep Step(string optimizer) =>
        new(s_model, Rows, Sequence, OptimizerCatalog.Create(optimizer, new OptimizerSettings { Rank = 4, TokensPerStep = 320 }));

    private static TrainingStep Deep(int layers) => new(
        s_model with { Vocabulary = 64, Width = 64, HiddenWidth = 192, Layers = layers, Heads = 4, KvHeads = 4, HeadDimension = 16 }, 4, 128, new Sgd(0));

    private static MemoryChoices Choices(string recompute, bool release = false) => new(Rows, RecomputeChoice.Parse(recompute), release);

    private static StepProgram Compile(TrainingStep step, MemoryChoices choices)
    {
        using NullDevice device = new();
        return StepProgram.Compile(TrainingGraph.Build(step, choices with { MicroBatchRows = Math.Min(step.Rows, choices.MicroBatchRows) }).Graph, device);
    }

    private static long Transient(TrainingStep step, MemoryChoices choices) => Compile(step, choices).TransientBytes;

    // What the backward pass of one block reads of its forward pass when cheap results are forgotten.
    private static long BytesOfBlock(TrainingStep step)
    {
        Graph graph = TrainingGraph.Build(step, Choices("cheap")).Graph;
        HashSet<int> read = [.. graph.Nodes.Where(static n => n.Pass == Pass.Backward).SelectMany(static n => n.Inputs).Select(static v => v.Id)];
        return graph.Nodes.Where(static n => n is { Pass: Pass.Forward, Block: 5 }).SelectMany(static n => n.Outputs).Where(v => read.Contains(v.Id)).Sum(static v => v.Bytes);
    }

    private static (double[] Losses, IDictionary<string, float[]> State) Train(TrainingStep step, MemoryChoices choices, bool reuse = true)
    {
        using CpuDevice device = new(2);
        using StepRunner runner = new(step, choices, device, reuse);
        double[] losses = [.. Enumerable.Range(0, Steps).Select(i => runner.Step(Batch.Random(Rows, Sequence, step.Model.Vocabulary, i), 0.01))];
        return (losses, runner.State());
    }
}
