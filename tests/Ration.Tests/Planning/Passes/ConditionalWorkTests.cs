using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Optimizers.Parts;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;
using Ration.Tests.Models;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Planning.Passes;

/// <summary>What a step does without is not computed, and nothing else changes.</summary>
public sealed class ConditionalWorkTests
{
    private const int Rows = 4, Sequence = 11, Layers = 4;

    public static TheoryData<string> Rules => [.. s_rules.Keys];

    // Turns of one step, so that every block is trained within a few.
    private static readonly Dictionary<string, IOptimizer> s_rules = new IOptimizer[]
    {
        new Lisa(Period: 1), new BAdam(Period: 1), new Frugal(StateFullPart.Blocks, Density: 0.5f, Period: 1), new SlimFit(Frozen: 0.8),
    }.ToDictionary(static r => r.Name);

    [Theory]
    [MemberData(nameof(Rules))]
    public void Leaving_work_out_changes_no_bit(string rule)
    {
        foreach (MemoryChoices choices in (MemoryChoices[])[new(Rows, default, false), new(Rows, RecomputeChoice.Parse("cheap+2-blocks"), true),
            new(2, RecomputeChoice.Parse("sqrt"), false), new(1, default, false)])
        {
            SortedDictionary<string, float[]> all = Train(Step(rule), choices, Unconditional), some = Train(Step(rule), choices, null);
            AssertSame(all, some);
        }
    }

    [Theory]
    [MemberData(nameof(TrainingSamples.ActivationMethods), MemberType = typeof(TrainingSamples))]
    public void So_it_is_however_activations_are_kept(string method)
    {
        MemoryChoices choices = new(2, RecomputeChoice.Parse("cheap+1-blocks"), false) { Activations = ActivationMethods.Parse(method) };
        foreach (string rule in (string[])["lisa", "badam", "slimfit"])
        {
            TrainingStep step = Step(rule);
            if (method == "approx-bp") step = step with { Model = Architectures.All["gpt2"] with { Context = 64 } };
            AssertSame(Train(step, choices, Unconditional), Train(step, choices, null));
        }
    }

    [Theory]
    [MemberData(nameof(TrainingSamples.WeightFormats), MemberType = typeof(TrainingSamples))]
    public void And_however_weights_are_held(WeightFormat weights)
    {
        foreach (string rule in s_rules.Keys)
        {
            TrainingStep step = Step(rule) with { Model = TrainingSamples.Model with { Layers = Layers, Width = 64, HiddenWidth = 128, HeadDimension = 16 }, Weights = weights };
            SortedDictionary<string, float[]> plain = Train(step, new(Rows, default, false), Unconditional);
            AssertSame(plain, Train(step, new(Rows, default, true), null));
        }
    }

    [Fact]
    public void Every_family_keeps_the_laws_of_graphs()
    {
        using NullDevice device = new();
        foreach (ModelConfiguration model in Architectures.All.Values)
        {
            foreach (IOptimizer rule in s_rules.Values)
            {
                TrainingStep step = new(model with { Context = 64 }, 2, 16, rule);
                foreach (MemoryChoices choices in (MemoryChoices[])[new(2, default, true), new(1, RecomputeChoice.Parse("sqrt"), false) { MlpTiles = 2 }])
                {
                    Graph graph = StepProgram.Compile(TrainingGraph.Build(step, choices).Graph, device).Graph;
                    Assert.Contains(graph.Nodes, static n => n is { Pass: Pass.Backward, Condition: not null });
                }
            }
        }
    }

    // Some blocks at a time by a rule whose steps are in proportion to gradients, so that roundings stay small.
    private sealed record Descent(int Count, bool TrainsOnlyBlocks) : IOptimizer
    {
        public string Name => "descent";

        public void Update(UpdateBuilder u)
        {
            Sgd rule = new();
            if (u.Block is null) rule.Update(u);
            else new BlockSampling(Count, 2, BlockOrder.Drawn, 3).Train(u, rule.Update);
        }
    }

    [Theory]
    [InlineData(2, 2, false)]
    [InlineData(1, 2, false)]
    [InlineData(1, 1, true)]
    public void Parts_of_a_step_add_up_to_the_whole(int rows, int blocks, bool onlyBlocks)
    {
        TrainingStep step = Step(new Descent(blocks, onlyBlocks));
        SortedDictionary<string, float[]> whole = Train(step, new(Rows, default, true), null, 0.05), parts = Train(step, new(rows, default, false), null, 0.05);
        foreach ((string name, float[] elements) in whole)
        {
            double norm = Math.Sqrt(elements.Sum(static e => (double)e * e)), error = Math.Sqrt(elements.Zip(parts[name], static (a, b) => ((double)a - b) * ((double)a - b)).Sum());
            Assert.True(norm > 0 && error <= 2e-6 * norm, $"{name} is off by {error / norm:E2} of its norm");
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(1)]
    public void Products_for_blocks_that_are_not_trained_are_left_out(int rows)
    {
        IReadOnlyList<Node>[] steps = Run("lisa", rows);
        foreach (IReadOnlyList<Node> ran in steps)
        {
            int[] products = Products(ran, Rows / rows);
            Assert.Equal(2, products.Count(static p => p == 7));
            Assert.Equal(Layers - 2, products.Count(static p => p == 0));
            Assert.All(Enumerable.Range(0, Layers), b => Assert.Contains(ran, n => n.Pass == Pass.Backward && n.Block == b && n.Op is AttentionGradient));
        }

        Assert.All(Enumerable.Range(0, Layers), b => Assert.Contains(steps, s => Products(s, Rows / rows)[b] == 7));
    }

    [Theory]
    [InlineData("none", true)]
    [InlineData("cheap+4-blocks", true)]
    [InlineData("cheap+4-blocks", false)]
    public void The_backward_pass_of_one_block_ends_at_it(string recompute, bool release)
    {
        IReadOnlyList<Node>[] steps = Run("badam", Rows, recompute, release);
        for (int step = 0; step < steps.Length; step++)
        {
            int active = Layers - 1 - (step % Layers);
            int[] products = Products(steps[step], 1);
            for (int block = 0; block < Layers; block++)
            {
                Assert.Equal(block == active ? 7 : 0, products[block]);
                Assert.Equal(block >= active, steps[step].Any(n => n.Pass == Pass.Backward && n.Block == block));
            }

            Assert.DoesNotContain(steps[step], static n => n.Op is EmbeddingGradient or LinearCrossEntropyGradient { NeedsWeight: true });
        }
    }

    [Fact]
    public void Predictions_know_of_it()
    {
        CostModel cost = new(MachineRates.Nominal);
        double Backward(IOptimizer rule) =>
            TrainingGraph.Build(Step(rule) with { Rows = 16, Sequence = 64 }, new(16, default, true)).Graph.Nodes.Where(static n => n.Pass == Pass.Backward && n.Block >= 0).Sum(cost.Seconds);
        double all = Backward(new AdamW()), products = TrainingGraph.Build(Step(new AdamW()) with { Rows = 16, Sequence = 64 }, new(16, default, true)).Graph.Nodes.Where(IsProduct).Sum(cost.Seconds);
        Assert.Equal(all - (products / 2), Backward(new Lisa()), 0.02 * all);
        double each = (all - products) / Layers;
        Assert.Equal((each * (4 + 3 + 2 + 1) / 4) + (products / Layers), Backward(new BAdam()), 0.05 * all);
    }

    [Fact]
    public void State_is_there_once_and_in_fewer_bits_where_asked()
    {
        TrainingOptions options = TrainingSamples.InBlocks(StateFormat.EightBit);
        options = options with { Model = options.Model with { Layers = 3 }, Optimizer = new Lisa(Layers: 2) };
        Graph graph = TrainingGraph.Build(options.Step, new(4, default, true)).Graph;
        Value[] state = [.. graph.Persistent.Where(static v => v.Kind == MemoryKind.OptimizerState)];
        Dictionary<string, DType> types = state.ToDictionary(static v => v.Name, static v => v.DType);
        Assert.Equal(DType.Dynamic8, types["active.1.mlp.up_proj.weight.first_moment"]);
        Assert.Equal(DType.DynamicUnsigned8, types["active.0.mlp.up_proj.weight.second_moment"]);
        long block = graph.Persistent.Where(static v => v.Block is { Number: 0 }).Sum(static v => v.Shape.Elements);
        long outside = graph.Persistent.Where(static v => v.Kind == MemoryKind.Weights && v.Block is null).Sum(static v => v.Shape.Elements);
        Assert.Equal(2 * ((2 * block) + outside), state.Sum(static v => v.Shape.Elements));
    }

    [Theory]
    [InlineData("lisa", ClipScope.Global)]
    [InlineData("badam", ClipScope.TwoPass)]
    [InlineData("slimfit", ClipScope.Global)]
    public void The_norm_of_gradients_that_are_not_computed_is_refused(string rule, ClipScope scope)
    {
        TrainingOptions options = TrainingSamples.Options(rule) with { ClipScope = scope };
        Assert.Contains($"{rule} computes those of what it trains", Assert.Throws<InvalidInputException>(options.Validate).Message, StringComparison.Ordinal);
        _ = Assert.Throws<ArgumentException>(() => TrainingGraph.Trace(options.Step, 8));
        (options with { ClipNorm = 0 }).Validate();
        (options with { ClipScope = ClipScope.Value }).Validate();
        (options with { Optimizer = new Frugal(StateFullPart.Blocks) }).Validate();
    }

    private static void AssertSame(SortedDictionary<string, float[]> all, SortedDictionary<string, float[]> some)
    {
        Assert.Equal(all.Keys, some.Keys);
        foreach ((string name, float[] elements) in all) Assert.True(elements.SequenceEqual(some[name]), $"{name} differs");
    }

    private static TrainingStep Step(string rule) => Step(s_rules[rule]);

    private static TrainingStep Step(IOptimizer rule) => new(TrainingSamples.Model with { Layers = Layers }, Rows, Sequence, rule);

    private static bool IsProduct(Node node) => node is { Pass: Pass.Backward, Block: >= 0, Op: MatMul, Output.Kind: MemoryKind.Gradients };

    private static int[] Products(IReadOnlyList<Node> ran, int repetitions) => [.. Enumerable.Range(0, Layers).Select(b => ran.Count(n => n.Block == b && IsProduct(n)) / repetitions)];

    // Every node of the backward pass in every step, as it was traced.
    private static Graph Unconditional(Graph graph) => graph with { Nodes = [.. graph.Nodes.Select(static n => n.Pass == Pass.Update ? n : n with { Condition = null })] };

    private static SortedDictionary<string, float[]> Train(TrainingStep step, MemoryChoices choices, Func<Graph, Graph>? rewrite, double rate = 0.003)
    {
        using CpuDevice device = new(2);
        using StepRunner runner = new(step, choices, device, rewrite: rewrite);
        for (int i = 0; i < 5; i++) Assert.True(double.IsFinite(runner.Step(Batch.Random(Rows, Sequence, step.Model.Vocabulary, i), rate)));
        return runner.State();
    }

    // The nodes that ran in each step.
    private static IReadOnlyList<Node>[] Run(string rule, int rows, string recompute = "none", bool release = false)
    {
        TrainingStep step = Step(rule);
        List<Node> ran = [];
        using TimedDevice device = new(new CpuDevice(2)) { Observer = (node, _) => ran.Add(node) };
        using StepRunner runner = new(step, new MemoryChoices(rows, RecomputeChoice.Parse(recompute), release), device);
        List<IReadOnlyList<Node>> steps = [];
        for (int i = 0; i < 16; i++)
        {
            ran.Clear();
            runner.Step(Batch.Random(Rows, Sequence, step.Model.Vocabulary, i), 0.003);
            steps.Add([.. ran]);
        }

        return [.. steps];
    }
}
