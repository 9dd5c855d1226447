using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Models;
using Ration.Planning;
using Ration.Training;

namespace Ration.Tests.Planning;

/// <summary>The schedule by dynamic programming has the bytes it reckons with and is never slower than the schedules by rule.</summary>
public sealed class OptimalRecomputeTests
{
    public static TheoryData<string, int> Presets => new() { { "nano", 8 }, { "tiny", 4 }, { "small", 2 }, { "llama-3.2-1b", 1 }, { "llama-2-7b", 4 } };

    [Theory]
    [MemberData(nameof(Presets))]
    public void It_is_never_worse_than_a_schedule_by_rule(string preset, int rows)
    {
        ModelConfiguration model = Ration.Models.Presets.Get(preset);
        TrainingStep step = new TrainingOptions { Model = model, BatchTokens = rows * 256, Sequence = 256 }.Step;
        TrainingGraph traced = TrainingGraph.Trace(step, rows);
        using CpuDevice device = new(2);
        CostModel cost = new(MachineRates.Nominal);
        Graph Arrange(RecomputeChoice choice) => TrainingGraph.Arrange(traced.Graph, step, new MemoryChoices(rows, choice, true));
        OptimalRecompute search = new(Arrange, device, model.Layers);
        IEnumerable<RecomputeChoice> rules = Enumerable.Range(0, model.Layers + 1).Where(n => n < 3 || n % 4 == 0 || n == model.Layers).Select(static n => new RecomputeChoice(RecomputeMode.Blocks, n))
            .Concat([new(RecomputeMode.None), new(RecomputeMode.SquareRoot), new(RecomputeMode.Attention), new(RecomputeMode.Mlp)]);
        foreach (RecomputeChoice rule in rules)
        {
            Graph ruled = Arrange(rule);
            long bytes = Transient(ruled);
            RecomputeChoice? found = search.Fastest(bytes);
            Assert.True(found is not null, $"nothing within the {bytes} bytes of {rule}");
            Graph optimal = Arrange(found.Value);
            Assert.True(Transient(optimal) <= bytes, $"{found} takes {Transient(optimal)} bytes, {rule} {bytes}");
            double seconds = cost.Seconds(optimal), least = cost.Seconds(ruled);
            Assert.True(seconds <= least * 1.0001, $"{found} takes {seconds} s, {rule} {least} s");
        }

        long Transient(Graph graph) => Placement.LiveBytes(Buffers.Assign(graph, device.WorkspaceBytes).Transient).Max();
    }

    [Fact]
    public void The_planner_is_never_slower_for_it()
    {
        foreach (int mebibytes in (int[])[1000, 1500, 2200, 3000, 4000])
        {
            TrainingOptions options = new() { Model = Ration.Models.Presets.Get("small"), BatchTokens = 4096, Sequence = 1024, Memory = Ration.Memory.ByteSize.FromMebibytes(mebibytes) };
            using CpuDevice device = new(2);
            CostModel cost = new(MachineRates.Nominal);
            long budget = (long)mebibytes << 20;
            IReadOnlyList<PlanFamily> all = TrainingPlanFamilies.Of(options, device, budget);
            IReadOnlyList<PlanFamily> rules = [.. all.Where(static f => f.Choices(0).Recompute.Mode != RecomputeMode.Optimal)];
            Assert.NotEqual(all.Count, rules.Count);
            PlanCandidate? ruled = new Planner(device).Choose(rules, budget, static _ => 0).Best, best = new Planner(device).Choose(all, budget, static _ => 0).Best;
            if (ruled is null) continue;
            Assert.True(best!.ArenaBytes <= budget);
            Assert.True(best.Seconds <= ruled.Seconds, $"{mebibytes} MiB: {best.Choices} {best.Seconds} s, without {ruled.Choices} {ruled.Seconds} s");
        }
    }

    [Fact]
    public void The_smallest_schedule_is_no_larger_than_any_by_rule()
    {
        ModelConfiguration model = Ration.Models.Presets.Get("llama-3.2-1b");
        TrainingStep step = new TrainingOptions { Model = model, BatchTokens = 4 * 512, Sequence = 512 }.Step;
        TrainingGraph traced = TrainingGraph.Trace(step, 4);
        using CpuDevice device = new(2);
        Graph Arrange(RecomputeChoice choice) => TrainingGraph.Arrange(traced.Graph, step, new MemoryChoices(4, choice, true));
        long Bytes(RecomputeChoice choice) => StepProgram.LowerBound(Arrange(choice), device);
        long smallest = Bytes(new OptimalRecompute(Arrange, device, model.Layers).Smallest());
        Assert.True(smallest <= 1.002 * Math.Min(Bytes(new(RecomputeMode.SquareRoot)), Bytes(new(RecomputeMode.Blocks, model.Layers))));
    }

    [Theory]
    [InlineData("optimal:-camp", true)]
    [InlineData("optimal:b++b+c", true)]
    [InlineData("optimal:", false)]
    [InlineData("optimal:+b", false)]
    [InlineData("optimal:c+", false)]
    [InlineData("optimal:bx", false)]
    [InlineData("attention", true)]
    [InlineData("mlp", true)]
    [InlineData("cheap+0-blocks", false)]
    public void Schedules_are_read_as_they_are_written(string text, bool isOne)
    {
        if (isOne) Assert.Equal(text, RecomputeChoice.Parse(text).ToString());
        else Assert.Throws<FormatException>(() => RecomputeChoice.Parse(text));
    }

    [Fact]
    public void A_schedule_for_another_number_of_blocks_is_refused()
    {
        TrainingStep step = new TrainingOptions { Model = Ration.Models.Presets.Get("nano"), BatchTokens = 256, Sequence = 128 }.Step;
        Assert.Throws<ArgumentException>(() => TrainingGraph.Build(step, new MemoryChoices(2, RecomputeChoice.Parse("optimal:cc"), false)));
    }
}
