using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;
using Ration.Tests.Graphs.Reference;
using Ration.Tests.Models;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Planning.Passes;

/// <summary>Linear layers that multiply bytes: what they compute is the arithmetic of the definition, near floats, and the same in every arrangement.</summary>
public sealed class SwitchBackTests
{
    // Sides of whole blocks, but for the keys and values of the second.
    private static readonly ModelConfiguration s_model = GradientTrial.Gated with { Width = 64, HiddenWidth = 96, HeadDimension = 16 };
    private static readonly ModelConfiguration s_plain = GradientTrial.Plain with { Width = 64, HiddenWidth = 128, HeadDimension = 16, KvHeads = 1 };

    private static TrainingStep Bytes(ModelConfiguration model) => GradientTrial.Step(model) with { Products = ProductFormat.Int8 };

    [Theory]
    [InlineData(1, 32, 64)]
    [InlineData(37, 96, 32)]
    [InlineData(70, 160, 288)]
    public void A_layer_and_its_gradients_are_those_of_rounded_factors(int rows, int outputs, int width)
    {
        GraphBuilder builder = new() { Block = 0 };
        Value x = builder.Input("x", new Shape(rows, width)), dy = builder.Input("dy", new Shape(rows, outputs)), weight = builder.Parameter("w", new Shape(outputs, width));
        Value gain = builder.Parameter("gain", new Shape(rows, width)), input = builder.Elementwise(new Load(x) * new Load(gain), "input");
        Value y = builder.Linear(input, weight, "y");
        IReadOnlyDictionary<Value, Value> gradients = Differentiation.Backward(builder, new Dictionary<Value, Value?> { [y] = dy });
        // With a gain of one, its gradient over x is that of the input.
        Value[] results = [y, gradients[gain], gradients[weight]];
        foreach (Value result in results) builder.Output(result);
        Graph graph = new SwitchBack().Apply(builder.Build());
        float[] xs = Numbers(rows * width, 1), dys = Numbers(rows * outputs, 2), ws = Numbers(outputs * width, 3);

        using CpuDevice device = new(2);
        StepProgram program = StepProgram.Compile(graph, device);
        using Executor executor = new(device, program);
        executor.Write<float>(program, "x", xs);
        executor.Write<float>(program, "dy", dys);
        executor.WritePersistent(weight, 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(ws.AsSpan()));
        executor.WritePersistent(gain, 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(Enumerable.Repeat(1f, rows * width).ToArray().AsSpan()));
        executor.Run(program, Phase.Repeat);
        float[][] actual = [.. results.Select(v =>
        {
            float[] elements = new float[v.Shape.Elements];
            executor.Read<float>(program, v.Name, elements);
            return elements;
        })];

        double[,] w = Rounded(ws, width, half: true, awayFromZero: true), turned = Rounded(Turned(ws, width), outputs, half: true, awayFromZero: true);
        double[,] rx = Rounded(xs, width, half: false, awayFromZero: false), rdy = Rounded(dys, outputs, half: false, awayFromZero: false);
        for (int row = 0; row < rows; row++)
        {
            for (int o = 0; o < outputs; o++) Near(Enumerable.Range(0, width).Select(i => rx[row, i] * w[o, i]), actual[0][(row * outputs) + o]);
            for (int i = 0; i < width; i++) Near(Enumerable.Range(0, outputs).Select(o => rdy[row, o] * turned[i, o] * xs[(row * width) + i]), actual[1][(row * width) + i]);
        }

        for (int o = 0; o < outputs; o++)
        {
            for (int i = 0; i < width; i++) Near(Enumerable.Range(0, rows).Select(row => (double)dys[(row * outputs) + o] * xs[(row * width) + i]), actual[2][(o * width) + i]);
        }

        static void Near(IEnumerable<double> terms, float result)
        {
            double[] all = [.. terms];
            Assert.Equal(all.Sum(), result, 2e-6 * all.Sum(Math.Abs));
        }
    }

    [Fact]
    public void A_whole_step_is_the_one_of_its_definition_and_near_that_of_floats()
    {
        foreach (ModelConfiguration model in (ModelConfiguration[])[s_model, s_plain])
        {
            MemoryChoices choices = Choices("none");
            (double loss, IDictionary<string, double[]> gradients) = GradientTrial.Run(Bytes(model), choices);
            (double exactLoss, IDictionary<string, double[]> exact) = GradientTrial.Run(GradientTrial.Step(model), choices);
            (double definedLoss, IDictionary<string, double[]> defined) = GradientTrial.Run(Bytes(model), choices, device: new ReferenceDevice());
            Assert.Equal(definedLoss, loss, 1e-5);
            Assert.InRange(Math.Abs(loss - exactLoss), 1e-6, 0.01);
            foreach ((string name, double[] gradient) in exact)
            {
                // A number at the border of two levels may fall on either side.
                double fromDefinition = GradientTrial.Error(defined[name], gradients[name]), fromFloats = GradientTrial.Error(gradient, gradients[name]);
                Assert.True(fromDefinition < 3e-3, $"{model.Name} {name}: {fromDefinition:E2} from its definition");
                Assert.InRange(fromFloats, 2 * fromDefinition, 0.05);
            }
        }
    }

    [Fact]
    public void Weights_are_rounded_just_before_their_products_and_then_gone()
    {
        Graph floats = TrainingGraph.Build(GradientTrial.Step(s_model), Choices("none")).Graph, bytes = TrainingGraph.Build(Bytes(s_model), Choices("none")).Graph;
        List<string> rounded = [];
        for (int i = 0; i < bytes.Nodes.Count; i++)
        {
            Node node = bytes.Nodes[i];
            if (node.Op is not QuantizeMatrix) continue;
            rounded.Add(node.Inputs[0].Name);
            Assert.Equal(node.Inputs[0].Shape.Elements * 34 / 32, node.Output.Bytes);
            Node reader = Assert.Single(bytes.Nodes, n => n.Inputs.Contains(node.Output));
            Assert.Same(bytes.Nodes[i + 1], reader);
            Assert.Equal((1, node.Pass), (reader.Inputs.ToList().IndexOf(node.Output), reader.Pass));
        }

        // Seven matrices of each block, forward and for the input's gradient.
        Assert.Equal(2 * 7 * s_model.Layers, rounded.Count);
        Assert.All(rounded.CountBy(static n => n), static n => Assert.Equal(2, n.Value));
        using CpuDevice device = new(2);
        long largest = s_model.HiddenWidth * s_model.Width * 34 / 32, scratch = GradientTrial.Rows * GradientTrial.Sequence * s_model.HiddenWidth / 32 * 48;
        Assert.InRange(StepProgram.Compile(bytes, device).ArenaBytes - StepProgram.Compile(floats, device).ArenaBytes, long.MinValue, largest + scratch);
    }

    [Fact]
    public void Heads_embeddings_routers_and_odd_sides_stay_in_floats()
    {
        ModelConfiguration mixture = s_model with { Experts = 32, ExpertsPerToken = 2, ExpertHiddenWidth = 32 };
        Assert.Contains(TransformerModel.ParameterShapes(mixture), static p => p.Name.EndsWith("router.weight", StringComparison.Ordinal) && QuantizeMatrix.Accepts(p.Shape, DType.F32));
        Assert.All(Rounded(mixture), static name => Assert.Contains("self_attn", name, StringComparison.Ordinal));
        Assert.Equal(4 * 3, Rounded(mixture).Count);
        Assert.DoesNotContain(Rounded(s_plain), static name => name.Contains("k_proj", StringComparison.Ordinal) || name.Contains("v_proj", StringComparison.Ordinal));
        Assert.Equal(4 * 3, Rounded(s_plain).Count);
        Assert.Empty(Rounded(Architectures.All["llama"]));

        static HashSet<string> Rounded(ModelConfiguration model) =>
            [.. TrainingGraph.Build(Bytes(model), Choices("none")).Graph.Nodes.Where(static n => n.Op is QuantizeMatrix).Select(static n => n.Inputs[0].Name)];
    }

    [Theory]
    [InlineData("cheap", 4)]
    [InlineData("cheap+3-blocks", 4)]
    [InlineData("sqrt", 4)]
    [InlineData("optimal:amb", 4)]
    [InlineData("none", 1)]
    [InlineData("attention", 2)]
    public void No_arrangement_changes_a_number(string recompute, int rows)
    {
        (double loss, IDictionary<string, double[]> gradients) = GradientTrial.Run(Bytes(s_model), Choices("none"));
        MemoryChoices choices = new(rows, RecomputeChoice.Parse(recompute), Release: rows == GradientTrial.Rows);
        (double other, IDictionary<string, double[]> arranged) = GradientTrial.Run(Bytes(s_model), choices);
        Assert.Equal(loss, other, rows == GradientTrial.Rows ? 0 : 1e-6);
        foreach ((string name, double[] gradient) in gradients)
        {
            if (rows == GradientTrial.Rows) Assert.Equal(gradient, arranged[name]);
            else Assert.True(GradientTrial.Error(gradient, arranged[name]) < 2e-5, $"{name}: {GradientTrial.Error(gradient, arranged[name]):E2}");
        }
    }

    [Fact]
    public void Two_backward_passes_round_for_each()
    {
        TrainingStep step = Bytes(s_model) with { ClipNorm = 0.01f, ClipScope = ClipScope.TwoPass };
        (double loss, IDictionary<string, double[]> gradients) = GradientTrial.Run(step, Choices("cheap+3-blocks") with { Release = true });
        (double other, IDictionary<string, double[]> clipped) = GradientTrial.Run(step with { ClipScope = ClipScope.Global }, Choices("none"));
        Assert.Equal(loss, other);
        foreach ((string name, double[] gradient) in gradients) Assert.Equal(clipped[name], gradient);
    }

    [Fact]
    public void Tiles_of_mlps_are_refused_and_never_chosen()
    {
        TrainingOptions options = TrainingSamples.Options() with { Model = s_model, BatchTokens = 2 * 512, Sequence = 512, Products = ProductFormat.Int8 };
        Assert.Contains("--mlp-tiles 2", Assert.Throws<InvalidInputException>(() => (options with { MlpTiles = 2 }).Validate()).Message, StringComparison.Ordinal);
        using CpuDevice device = new(1);
        Assert.Contains(TrainingPlan.Arrangements(options with { Products = ProductFormat.F32 }, device, 1 << 20), static c => c.MlpTiles > 1);
        Assert.DoesNotContain(TrainingPlan.Arrangements(options, device, 1 << 20), static c => c.MlpTiles > 1);
    }

    [Fact]
    public void Evaluation_multiplies_floats()
    {
        TrainingStep step = Bytes(s_model);
        Graph training = TrainingGraph.Build(step, Choices("none")).Graph;
        Assert.Contains(training.Nodes, static n => n.Op is QuantizeMatrix);
        Assert.DoesNotContain(TrainingGraph.BuildEvaluation(step, 1, training).Nodes, static n => n.Op is QuantizeMatrix);
    }

    private static MemoryChoices Choices(string recompute) => new(GradientTrial.Rows, RecomputeChoice.Parse(recompute), false);

    private static float[] Numbers(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.4))];
    }

    private static float[] Turned(float[] x, int width) => [.. Enumerable.Range(0, width).SelectMany(i => Enumerable.Range(0, x.Length / width).Select(row => x[(row * width) + i]))];

    // Rows in blocks of 32, each in 127 steps of a scale either way.
    private static double[,] Rounded(float[] x, int width, bool half, bool awayFromZero)
    {
        double[,] rounded = new double[x.Length / width, width];
        for (int block = 0; block < x.Length; block += 32)
        {
            float scale = x.AsSpan(block, 32).ToArray().Max(Math.Abs) / 127;
            for (int i = block; i < block + 32; i++)
                rounded[i / width, i % width] = MathF.Round(x[i] * (1 / scale), awayFromZero ? MidpointRounding.AwayFromZero : MidpointRounding.ToEven) * (half ? (double)(Half)scale : scale);
        }

        return rounded;
    }
}
