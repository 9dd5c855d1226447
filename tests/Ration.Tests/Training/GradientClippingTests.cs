using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>What clipping does to a step, and what it asks of memory.</summary>
public sealed class GradientClippingTests
{
    private const double Rate = 0.5;

    private static readonly TrainingStep s_step = new(TrainingSamples.Model, 4, 11, new Sgd(Momentum: 0), ClipNorm: 0);

    [Theory]
    [InlineData(4)]
    [InlineData(1)]
    public void Values_are_cut_off_at_the_limit(int rows)
    {
        const float Limit = 0.01f;
        Dictionary<string, double[]> plain = Gradient(s_step, rows), cut = Gradient(s_step with { ClipNorm = Limit, ClipScope = ClipScope.Value }, rows);
        Assert.Contains(plain.Values, static g => g.Any(static x => Math.Abs(x) > Limit));
        foreach ((string name, double[] g) in plain)
        {
            for (int i = 0; i < g.Length; i++) Assert.Equal(Math.Clamp(g[i], -Limit, Limit), cut[name][i], 1e-6);
        }
    }

    [Theory]
    [InlineData(ClipScope.Global, 4)]
    [InlineData(ClipScope.TwoPass, 4)]
    [InlineData(ClipScope.TwoPass, 2)]
    public void The_norm_of_all_gradients_is_brought_to_the_limit(ClipScope scope, int rows)
    {
        const float Limit = 0.25f;
        Dictionary<string, double[]> plain = Gradient(s_step, rows), scaled = Gradient(s_step with { ClipNorm = Limit, ClipScope = scope }, rows);
        double norm = Math.Sqrt(plain.Values.Sum(static g => g.Sum(static x => x * x)));
        Assert.True(norm > 2 * Limit, $"a norm of {norm} tests nothing");
        foreach ((string name, double[] g) in plain)
        {
            for (int i = 0; i < g.Length; i++) Assert.Equal(g[i] * Limit / norm, scaled[name][i], 1e-6);
        }
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(1, 0)]
    [InlineData(4, 3)]
    public void Each_parameter_is_held_to_the_limit_by_itself(int rows, int experts)
    {
        ModelConfiguration model = experts == 0 ? TrainingSamples.Model : TrainingSamples.Model with { Experts = experts, ExpertsPerToken = 2, ExpertHiddenWidth = 24 };
        TrainingStep step = s_step with { Model = model };
        Dictionary<string, double[]> plain = Gradient(step, rows);
        double[] norms = [.. plain.Values.Select(Norm).Order()];

        // Half of the parameters are above the limit and half below.
        float limit = (float)Math.Sqrt(norms[norms.Length / 2] * norms[(norms.Length / 2) - 1]);
        Assert.True(norms[0] < 0.9 * limit && limit < 0.9 * norms[^1], $"norms from {norms[0]} to {norms[^1]} test nothing");
        Dictionary<string, double[]> clipped = Gradient(step with { ClipNorm = limit, ClipScope = ClipScope.Parameter }, rows);
        foreach ((string name, double[] g) in plain)
        {
            double scale = Math.Min(1, limit / Norm(g));
            for (int i = 0; i < g.Length; i++) Assert.Equal(g[i] * scale, clipped[name][i], 1e-6);
        }
    }

    [Theory]
    [InlineData(ClipScope.Global)]
    [InlineData(ClipScope.TwoPass)]
    public void Gradients_within_the_limit_are_left_as_they_are(ClipScope scope)
    {
        Dictionary<string, double[]> plain = Gradient(s_step, 4), clipped = Gradient(s_step with { ClipNorm = 1000, ClipScope = scope }, 4);
        Assert.InRange(Math.Sqrt(plain.Values.Sum(static g => Norm(g) * Norm(g))), 0.1, 900);
        Assert.All(plain, p => Assert.Equal(p.Value, clipped[p.Key]));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("cheap+1-blocks")]
    [InlineData("sqrt")]
    public void Two_passes_give_the_bits_of_the_global_norm(string recompute)
    {
        TrainingStep global = s_step with { Optimizer = new AdamW(), ClipNorm = 0.25f, ClipScope = ClipScope.Global, Dropout = 0.1f };
        SortedDictionary<string, float[]> one = Train(global, new MemoryChoices(4, default, Release: false));
        SortedDictionary<string, float[]> two = Train(global with { ClipScope = ClipScope.TwoPass }, new MemoryChoices(4, RecomputeChoice.Parse(recompute), Release: true));
        foreach ((string name, float[] elements) in one) Assert.True(elements.SequenceEqual(two[name]), $"{name} differs");
    }

    [Theory]
    [InlineData("none")]
    [InlineData("cheap+15-blocks")]
    [InlineData("sqrt")]
    public void Two_passes_take_the_memory_of_release(string recompute)
    {
        TrainingStep step = s_step with { Model = TrainingSamples.Model with { Layers = 16, Vocabulary = 64 }, Rows = 1, Sequence = 8, ClipNorm = 1 };
        long weights = TransformerModel.ParameterShapes(step.Model).Sum(static p => p.Shape.Elements) * sizeof(float);
        long largest = TransformerModel.ParameterShapes(step.Model).Max(static p => p.Shape.Elements) * sizeof(float);
        (long released, long releasedGradients) = Bytes(step, recompute);
        (long twoPasses, long gradients) = Bytes(step with { ClipScope = ClipScope.TwoPass }, recompute);
        (long held, long heldGradients) = Bytes(step with { ClipScope = ClipScope.Global }, recompute);
        Assert.Equal(weights, heldGradients);
        Assert.Equal(releasedGradients, gradients);

        // While the first pass ends nothing of the forward pass is free yet, so a gradient more may lie beside it.
        Assert.InRange(twoPasses, released, released + (2 * largest));
        Assert.True(twoPasses < held - (weights / 2), $"{twoPasses} bytes, {held} where all gradients are held, weights {weights}");
    }

    [Fact]
    public void What_is_computed_again_for_the_first_pass_is_not_kept_for_the_second()
    {
        TrainingStep step = s_step with { Model = TrainingSamples.Model with { Layers = 12, Vocabulary = 64 }, Rows = 4, Sequence = 128, ClipNorm = 1 };
        (long released, _) = Bytes(step, "cheap+12-blocks");
        (long twoPasses, _) = Bytes(step with { ClipScope = ClipScope.TwoPass }, "cheap+12-blocks");
        Assert.InRange(twoPasses, released, 1.1 * released);
    }

    [Fact]
    public void Two_passes_and_rules_that_hold_no_gradients_are_planned_with_release()
    {
        using NullDevice device = new();
        TrainingOptions options = TrainingSamples.Options();
        Assert.False(TrainingSamples.Plan(options, device).Choices.Release);
        foreach (TrainingOptions releasing in (TrainingOptions[])[options with { ClipScope = ClipScope.TwoPass }, TrainingSamples.Options("lomo"), TrainingSamples.Options("adalomo")])
        {
            TrainingPlan plan = TrainingSamples.Plan(releasing, device);
            Assert.Equal((8, "none", true, 1), (plan.Choices.MicroBatchRows, plan.Choices.Recompute.ToString(), plan.Choices.Release, plan.Choices.MlpTiles));
            Assert.Contains(plan.Reasons, static r => r is { Name: "gradients", Choice: "released" });
        }

        Assert.Contains("two-pass",
            Assert.Throws<InvalidInputException>(() => TrainingSamples.Plan(TrainingSamples.Options("adalomo") with { ClipScope = ClipScope.Global }, device)).Message, StringComparison.Ordinal);
        Assert.Contains("--micro-batch",
            Assert.Throws<InvalidInputException>(() => TrainingSamples.Plan(TrainingSamples.Options("lomo") with { MicroBatchRows = 2 }, device)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bf16")]
    [InlineData("mesa")]
    [InlineData("slimfit")]
    public void What_is_restored_for_the_first_pass_is_not_kept_for_the_second(string activations)
    {
        TrainingStep step = s_step with { Model = TrainingSamples.Model with { Layers = 12, Vocabulary = 64 }, Rows = 4, Sequence = 128, ClipNorm = 1 };
        (long released, _) = Bytes(step, "none", activations);
        (long twoPasses, _) = Bytes(step with { ClipScope = ClipScope.TwoPass }, "none", activations);
        Assert.InRange(twoPasses, released, 1.1 * released);
    }

    [Fact]
    public void The_optimal_schedule_reckons_with_one_pass_and_a_global_norm_with_all_gradients()
    {
        using NullDevice device = new();
        TrainingOptions twice = TrainingSamples.Options() with { ClipScope = ClipScope.TwoPass };
        Assert.Contains("--recompute sqrt",
            Assert.Throws<InvalidInputException>(() => TrainingSamples.Plan(twice with { Recompute = RecomputeMode.Optimal }, device)).Message, StringComparison.Ordinal);
        Assert.Contains("--sequence 0",
            Assert.Throws<InvalidInputException>(() => TrainingSamples.Plan(twice with { Recompute = RecomputeMode.Optimal, Sequence = 0 }, device)).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(TrainingPlan.Arrangements(twice, device, 1 << 20), static c => c.Recompute.Mode == RecomputeMode.Optimal);
        Assert.DoesNotContain(TrainingPlan.Arrangements(TrainingSamples.Options() with { ClipScope = ClipScope.Global }, device, 1 << 20), static c => c.Release);
    }

    private static (long Transient, long Gradients) Bytes(TrainingStep step, string recompute, string activations = "f32")
    {
        using NullDevice device = new();
        StepProgram program = StepProgram.Compile(TrainingGraph.Build(step,
            new MemoryChoices(step.Rows, RecomputeChoice.Parse(recompute), Release: true) { Activations = ActivationMethods.Parse(activations) }).Graph, device);
        return (program.TransientBytes, Enumerable.Range(0, program.Timeline.Instructions).Max(i => program.Timeline[i, MemoryKind.Gradients]));
    }

    private static double Norm(double[] g) => Math.Sqrt(g.Sum(static x => x * x));

    // The gradient of every parameter as plain descent shows it.
    private static Dictionary<string, double[]> Gradient(TrainingStep step, int rows)
    {
        using CpuDevice device = new(2);
        using StepRunner runner = new(step, new MemoryChoices(rows, default, Release: rows == step.Rows), device);
        SortedDictionary<string, float[]> before = runner.State();
        _ = runner.Step(Batch.Random(step.Rows, step.Sequence, step.Model.Vocabulary, 1), Rate);
        return runner.State().ToDictionary(static p => p.Key, p => p.Value.Zip(before[p.Key], static (now, then) => ((double)then - now) / Rate).ToArray());
    }

    private static SortedDictionary<string, float[]> Train(TrainingStep step, MemoryChoices choices)
    {
        using CpuDevice device = new(2);
        using StepRunner runner = new(step, choices, device);
        for (int i = 0; i < 3; i++) _ = runner.Step(Batch.Random(step.Rows, step.Sequence, step.Model.Vocabulary, i), 0.01);
        return runner.State();
    }
}
