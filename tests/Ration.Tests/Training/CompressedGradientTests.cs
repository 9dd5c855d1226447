using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tests.Optimizers;
using Ration.Tests.Planning.Passes;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>Gradients that are only known as products with a projection: what they are, and that nothing larger is held.</summary>
public sealed class CompressedGradientTests
{
    private const ulong Seed = 5;
    private const int Tokens = GradientTrial.Rows * GradientTrial.Sequence;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void They_are_the_whole_gradient_times_one_projection_for_each_input(bool gated)
    {
        ModelConfiguration model = gated ? GradientTrial.Gated : GradientTrial.Plain;
        SortedDictionary<string, float[]> whole = FirstStep(Step(model) with { Optimizer = new Sgd(0.9f) }), moments = FirstStep(Step(model));
        int compressed = 0;
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model))
        {
            double[] gradient = [.. whole[parameter.Name + ".velocity"].Select(static v => (double)v)], expected = gradient;
            if (Source(parameter.Name, gated) is { } source)
            {
                int rows = (int)parameter.Shape[0], columns = (int)parameter.Shape[1];
                expected = (new Matrix64(rows, columns, gradient) * CompActTests.Projection(columns, columns / 4, 0, Seed, source)).Elements;
                compressed++;
            }

            double[] actual = [.. moments[parameter.Name + ".first_moment"].Select(static v => v / (double)(1 - 0.9f))];
            Assert.Equal(expected.Length, actual.Length);
            double error = GradientTrial.Error(expected, actual);
            Assert.True(error <= 1e-5, $"{parameter.Name} is off by {error:E2} of its norm");
        }

        Assert.Equal(model.Layers * (gated ? 6 : 5), compressed);
    }

    [Fact]
    public void Moments_and_sums_over_micro_batches_are_of_the_compressed_size()
    {
        ModelConfiguration model = GradientTrial.Gated;
        Graph graph = TrainingGraph.Build(Step(model), new MemoryChoices(1, default, false)).Graph;
        long elements = TransformerModel.ParameterShapes(model).Sum(static p => Source(p.Name, true) is null ? p.Shape.Elements : p.Shape[0] * (p.Shape[1] / 4));
        Assert.Equal(4 * elements, Bytes(MemoryKind.Gradients));
        Assert.Equal(8 * elements, Bytes(MemoryKind.OptimizerState));

        long Bytes(MemoryKind kind) => graph.Persistent.Where(v => v.Kind == kind).Sum(static v => v.Bytes);
    }

    [Fact]
    public void Nothing_of_a_whole_gradient_lives_in_the_backward_pass()
    {
        Graph graph = TrainingGraph.Build(Step(GradientTrial.Gated), new MemoryChoices(GradientTrial.Rows, default, true)).Graph;
        Value[] gradients = [.. graph.Nodes.Where(static n => n.Pass == Pass.Backward).SelectMany(static n => n.Outputs).Where(static v => v.Kind == MemoryKind.Gradients)];
        Value[] weights = [.. graph.Persistent.Where(static v => v.Kind == MemoryKind.Weights && Source(v.Name, true) is not null)];
        Assert.All(weights, w => Assert.Equal(w.Shape[1] / 4, Assert.Single(gradients, g => g.Name == "d." + w.Name).Shape[1]));
    }

    [Fact]
    public void Of_inputs_a_quarter_of_the_channels_is_kept()
    {
        ModelConfiguration model = GradientTrial.Gated;
        Assert.Equal(4 * Tokens * 3 * ((2 * model.Width) + model.HiddenWidth) / 4, Kept(new AdamW()) - Kept(new CompAct()));

        long Kept(IOptimizer optimizer)
        {
            Graph graph = TrainingGraph.Build(Step(model) with { Optimizer = optimizer }, new MemoryChoices(GradientTrial.Rows, RecomputeChoice.Parse("none"), false)).Graph;
            HashSet<int> read = [.. graph.Nodes.Where(static n => n.Pass == Pass.Backward).SelectMany(static n => n.Inputs).Select(static v => v.Id)];
            return graph.Nodes.Where(static n => n is { Pass: Pass.Forward, Block: 1 }).SelectMany(static n => n.Outputs).Where(v => read.Contains(v.Id)).Sum(static v => v.Bytes);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Micro_batches_add_up_to_the_whole_batch(int rows)
    {
        SortedDictionary<string, float[]> whole = FirstStep(Step(GradientTrial.Gated)), parts = FirstStep(Step(GradientTrial.Gated), rows);
        foreach ((string name, float[] elements) in whole.Where(static s => s.Key.EndsWith("first_moment", StringComparison.Ordinal)))
        {
            double error = GradientTrial.Error([.. elements.Select(static v => (double)v)], [.. parts[name].Select(static v => (double)v)]);
            Assert.True(error <= 3e-6, $"{name} is off by {error:E2} of its norm");
        }
    }

    [Fact]
    public void Clipping_in_two_passes_has_the_bits_of_clipping_by_the_global_norm()
    {
        TrainingStep step = Step(GradientTrial.Gated) with { ClipNorm = 0.01f, ClipScope = ClipScope.Global };
        SortedDictionary<string, float[]> once = FirstStep(step), twice = FirstStep(step with { ClipScope = ClipScope.TwoPass });
        Assert.All(once, s => Assert.Equal(s.Value, twice[s.Key]));
    }

    [Fact]
    public void What_would_compress_twice_or_not_at_all_is_refused()
    {
        TrainingOptions options = TrainingSamples.Options("compact");
        foreach (string method in (string[])["compact", "wta-crs"])
            Assert.Contains($"--activations {method}", Refusal(options with { Activations = ActivationMethods.Parse(method) }), StringComparison.Ordinal);
        Assert.Contains("--mlp-tiles 2", Refusal(options with { MlpTiles = 2 }), StringComparison.Ordinal);
        (options with { Activations = ActivationMethods.Parse("bf16"), MlpTiles = 1 }).Validate();
        using NullDevice device = new();
        TrainingOptions rows = new() { Model = Presets.Get("nano") with { HiddenWidth = 4096 }, BatchTokens = 4096, Sequence = 4096, Optimizer = new CompAct() };
        Assert.All(TrainingPlan.Arrangements(rows, device, 1L << 40), static c => Assert.Equal(1, c.MlpTiles));
        Assert.Throws<ArgumentException>(() => TrainingGraph.Trace(options.Step, options.Rows, mlpTiles: 2));

        static string Refusal(TrainingOptions bad) => Assert.Throws<InvalidInputException>(bad.Validate).Message;
    }

    private static TrainingStep Step(ModelConfiguration model) => GradientTrial.Step(model) with { Optimizer = new CompAct(Seed: Seed) };

    private static SortedDictionary<string, float[]> FirstStep(TrainingStep step, int rows = GradientTrial.Rows)
    {
        using CpuDevice device = new(2);
        using StepRunner runner = new(step, new MemoryChoices(rows, default, false), device);
        _ = runner.Step(Batch.Random(GradientTrial.Rows, GradientTrial.Sequence, step.Model.Vocabulary, 5), 0.01);
        return runner.State();
    }

    // The weight whose projection is taken: the first layer that reads the input. Null where the gradient is whole.
    private static string? Source(string name, bool gated)
    {
        string? first = !name.EndsWith(".weight", StringComparison.Ordinal) ? null : name.Split('.')[^2] switch
        {
            "q_proj" or "k_proj" or "v_proj" => "q_proj",
            "gate_proj" or "up_proj" => gated ? "gate_proj" : "up_proj",
            "down_proj" => "down_proj",
            _ => null,
        };
        return first is null ? null : name.Replace(name.Split('.')[^2], first, StringComparison.Ordinal);
    }
}
