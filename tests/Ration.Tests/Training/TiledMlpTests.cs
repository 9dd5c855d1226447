using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Planning;
using Ration.Tests.Files;
using Ration.Tests.Planning.Passes;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>MLPs over tiles of tokens: the same numbers, and a hidden layer of one tile at a time.</summary>
public sealed class TiledMlpTests
{
    [Theory]
    [InlineData("none", 4)]
    [InlineData("cheap+2-blocks", 4)]
    [InlineData("mlp", 2)]
    [InlineData("sqrt", 1)]
    public void The_loss_has_the_same_bits_and_gradients_are_equal_to_rounding(string recompute, int rows)
    {
        foreach (ModelConfiguration model in (ModelConfiguration[])[GradientTrial.Gated, GradientTrial.Plain])
        {
            TrainingStep step = GradientTrial.Step(model);
            MemoryChoices choices = new(rows, RecomputeChoice.Parse(recompute), false);
            (double loss, IDictionary<string, double[]> whole) = GradientTrial.Run(step, choices);
            (double other, IDictionary<string, double[]> tiled) = GradientTrial.Run(step, choices with { MlpTiles = 3 });
            Assert.Equal(loss, other);
            // Gradients are read from weights of about one, so to about 1e-7.
            foreach ((string name, double[] gradient) in whole) Assert.True(GradientTrial.Error(gradient, tiled[name]) < 2e-5, $"{model.Name} {name}: {GradientTrial.Error(gradient, tiled[name]):E2}");
        }
    }

    [Fact]
    public void The_peak_does_not_grow_with_tokens_times_hidden_width()
    {
        using CpuDevice device = new(2);
        TrainingStep step = new TrainingOptions { Model = Presets.Get("nano") with { HiddenWidth = 4096 }, BatchTokens = 2048, Sequence = 512 }.Step;
        StepProgram whole = Compile(step, 1), tiled = Compile(step, 16);
        long hidden = 2048L * 4096 * sizeof(float), tile = hidden / 16;
        Assert.True(whole.TransientBytes > 5 * hidden, $"{whole.TransientBytes}");
        Assert.True(tiled.TransientBytes < (2 * hidden) + (4 * tile), $"{tiled.TransientBytes} bytes, a hidden layer has {hidden}");
        Node gradient = tiled.Graph.Nodes.First(static n => n.Op is TiledMlpGradient);
        Assert.Equal(Scratch(step, 16), Scratch(step with { Rows = 8 }, 32));
        Assert.InRange(device.WorkspaceBytes(gradient), 4 * tile, (4 * tile) + (12 << 20));

        StepProgram Compile(TrainingStep one, int tiles) =>
            StepProgram.Compile(TrainingGraph.Build(one, new MemoryChoices(one.Rows, RecomputeChoice.Parse("cheap"), true) { MlpTiles = tiles }).Graph, device);

        long Scratch(TrainingStep one, int tiles) => device.WorkspaceBytes(Compile(one, tiles).Graph.Nodes.First(static n => n.Op is TiledMlpGradient));
    }

    [Fact]
    public void A_checkpoint_keeps_the_tiles_and_goes_on_with_the_same_bytes()
    {
        TrainingOptions options = TrainingSamples.Options() with { MlpTiles = 5, MicroBatchRows = 4 };
        List<byte[]> ends = [];
        foreach (int stop in (int[])[6, 3])
        {
            using TemporaryFolder folder = new();
            using CpuDevice device = new(2);
            using Trainer trainer = new(TrainingSamples.Plan(options, device), TrainingSamples.Data(options));
            trainer.Initialize();
            for (int i = 0; i < stop; i++) trainer.Step();
            if (stop == 6)
            {
                ends.Add(TrainingSamples.State(trainer));
                continue;
            }

            TrainingCheckpoint.Save(trainer, folder.Path, "data");
            MemoryChoices kept = TrainingCheckpoint.ReadHeader(folder.Path).Choices;
            Assert.Equal(trainer.Plan.Choices, kept);
            Assert.Equal(5, kept.MlpTiles);
            using CpuDevice three = new(3);
            using Trainer resumed = new(TrainingSamples.Plan(options, three, 3, kept), TrainingSamples.Data(options));
            TrainingCheckpoint.Load(resumed, folder.Path, "data");
            for (int i = stop; i < 6; i++) resumed.Step();
            ends.Add(TrainingSamples.State(resumed));
        }

        Assert.Equal(ends[0], ends[1]);
    }

    [Fact]
    public void The_planner_cuts_long_rows_where_nothing_else_fits()
    {
        TrainingOptions options = new() { Model = Presets.Get("nano") with { HiddenWidth = 4096 }, BatchTokens = 4096, Sequence = 4096 };
        using CpuDevice device = new(2);
        IReadOnlyList<PlanFamily> families = TrainingPlanFamilies.Of(options, device, 1L << 40);
        Assert.Contains(families, static f => f.Choices(0).MlpTiles == 32);
        Assert.All(TrainingPlanFamilies.Of(options with { Sequence = 128 }, device, 1L << 40), static f => Assert.Equal(1, f.Choices(0).MlpTiles));
        // Of short rows only all together have a large hidden layer: that is worth it where gradients need no sums, and not exact to the bit.
        IReadOnlyList<PlanFamily> inexact = TrainingPlanFamilies.Of(options with { Sequence = 128, Quality = MethodQuality.High }, device, 1L << 40);
        Assert.Contains(inexact, static f => f.Choices(0) is { MlpTiles: 32, MicroBatchRows: 32, Release: true });
        Assert.All(inexact, static f => Assert.True(f.Choices(0) is { MlpTiles: 1 } or { MlpTiles: 32, MicroBatchRows: 32, Release: true, Quality: > MethodQuality.Exact }));
        PlanCandidate smallest = new Planner(device).FindSmallest(families, static _ => 0);
        Assert.Equal(32, smallest.Choices.MlpTiles);
        PlanCandidate best = new Planner(device).Choose(TrainingPlanFamilies.Of(options, device, smallest.ArenaBytes), smallest.ArenaBytes, static _ => 0).Best!;
        Assert.True(best.ArenaBytes <= smallest.ArenaBytes);
        TrainingPlan plan = TrainingPlan.Create(options with { MlpTiles = 4 }, new NullDevice());
        Assert.Contains(plan.Reasons, static r => r.Name.Contains("tiles", StringComparison.Ordinal));
    }
}
