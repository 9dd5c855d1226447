using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tests.Files;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Planning.Passes;

/// <summary>The head's gradient after all blocks: the same numbers, and vocabulary × width floats less where blocks work.</summary>
public sealed class DeferredHeadGradientTests
{
    [Theory]
    [InlineData(LossMethod.Cut, false)]
    [InlineData(LossMethod.Cut, true)]
    [InlineData(LossMethod.Filtered, true)]
    [InlineData(LossMethod.Chunked, false)]
    [InlineData(LossMethod.Sampled, true)]
    public void Every_loss_has_the_same_bits(LossMethod method, bool tied)
    {
        TrainingOptions options = Options(tied) with { Loss = new LossOptions { Method = method, FilterThreshold = 1e-3f } };
        byte[][] ends = [.. Enum.GetValues<HeadGradient>().Select(head => End(options, head))];
        Assert.Equal(ends[0], ends[1]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Its_bytes_do_not_meet_those_of_blocks(bool tied)
    {
        TrainingStep step = Options(tied).Step with { Model = Options(tied).Model with { Vocabulary = 6000 } };
        long head = 6000L * step.Model.Width * sizeof(float);
        StepProgram early = Compile(HeadGradient.Early), late = Compile(HeadGradient.Late);
        Assert.Equal(tied, InBlocks(early) >= head);
        Assert.True(InBlocks(late) < head, $"{InBlocks(late)} bytes of gradients in blocks");
        // With the loss a head meets what all blocks keep; at the end, the last hidden states.
        long kept = early.TransientBytes - head, hidden = 2L * step.Rows * step.Sequence * step.Model.Width * sizeof(float);
        Assert.InRange(late.TransientBytes, head, Math.Max(kept, head + hidden + (6 << 20)));
        Assert.True(late.TransientBytes < early.TransientBytes - (0.8 * Math.Min(head, kept)), $"{late.TransientBytes} after {early.TransientBytes}, of which {kept} besides the head");

        StepProgram Compile(HeadGradient time)
        {
            using NullDevice device = new();
            return StepProgram.Compile(TrainingGraph.Build(step, new MemoryChoices(step.Rows, RecomputeChoice.Parse("none"), true) { HeadGradient = time }).Graph, device);
        }

        static long InBlocks(StepProgram program) =>
            Enumerable.Range(0, program.Timeline.Instructions).Where(i => program.Instructions[i].Node is { Block: >= 0, Pass: Pass.Backward }).Max(i => program.Timeline[i, MemoryKind.Gradients]);
    }

    [Fact]
    public void What_has_nothing_to_put_off_stays_as_it_is()
    {
        TrainingStep step = Options(true).Step;
        Graph parts = TrainingGraph.Trace(step, step.Rows / 2).Graph, full = TrainingGraph.Trace(step with { Loss = new LossOptions { Method = LossMethod.Full } }, step.Rows).Graph;
        Assert.All((Graph[])[parts, full], static graph => Assert.Equal(graph.Nodes, new DeferredHeadGradient().Apply(graph).Nodes));
        TrainingOptions late = Options(true) with { HeadGradient = HeadGradient.Late };
        Assert.Contains("--loss full", Refusal(late with { Loss = new LossOptions { Method = LossMethod.Full } }), StringComparison.Ordinal);
        Assert.Contains("micro-batches", Refusal(late with { MicroBatchRows = 1 }), StringComparison.Ordinal);
        Assert.Contains("badam does not train the head", Refusal(late with { Optimizer = new BAdam(Period: 1) }), StringComparison.Ordinal);

        static string Refusal(TrainingOptions options) => Assert.Throws<InvalidInputException>(options.Validate).Message;
    }

    [Fact]
    public void The_planner_takes_it_where_a_large_vocabulary_leaves_no_other_way_and_says_so()
    {
        TrainingOptions options = Options(true) with { Model = Options(true).Model with { Vocabulary = 20_000 }, BatchTokens = 2048, Sequence = 2048, Memory = ByteSize.FromMebibytes(1) };
        using CpuDevice device = new(1);
        MemoryBudgetException refusal = Assert.Throws<MemoryBudgetException>(() => TrainingPlan.Create(options, device));
        Assert.Contains("the head's computed late", refusal.Message, StringComparison.Ordinal);
        TrainingPlan plan = TrainingPlan.Create(options with { Memory = refusal.Smallest }, device);
        Assert.Equal(HeadGradient.Late, plan.Choices.HeadGradient);
        Assert.Contains("logits are computed once more", plan.Reasons.Single(static r => r.Name == "head gradient").Reason, StringComparison.Ordinal);
        Assert.Throws<MemoryBudgetException>(() => TrainingPlan.Create(options with { Memory = refusal.Smallest, HeadGradient = HeadGradient.Early }, device));
        Assert.Equal(HeadGradient.Early, TrainingPlan.Create(options with { Memory = ByteSize.Parse("4GiB") }, device).Choices.HeadGradient);
    }

    [Fact]
    public void A_checkpoint_keeps_it_and_is_not_gone_on_with_otherwise()
    {
        TrainingOptions options = Options(true) with
        {
            HeadGradient = HeadGradient.Late,
            Recompute = RecomputeMode.SquareRoot,
            Activations = ActivationMethods.Parse("mesa"),
            MlpTiles = 1,
            MicroBatchRows = 8,
        };
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using Trainer trainer = new(TrainingSamples.Plan(options, device), TrainingSamples.Data(options));
        trainer.Initialize();
        TrainingCheckpoint.Save(trainer, folder.Path, "data");
        Assert.Equal(HeadGradient.Late, trainer.Plan.Choices.HeadGradient);
        Assert.Equal(trainer.Plan.Choices, TrainingCheckpoint.ReadHeader(folder.Path, options).Choices);
        Assert.Equal(trainer.Plan.Choices, TrainingCheckpoint.ReadHeader(folder.Path, Options(true)).Choices);
        Refused("--head-gradient late", options with { HeadGradient = HeadGradient.Early });
        Refused("--recompute sqrt", options with { Recompute = RecomputeMode.None });
        Refused("--activations mesa", options with { Activations = ActivationMethods.Full });
        Refused("--mlp-tiles 1", options with { MlpTiles = 2 });
        Refused("--micro-batch 8", options with { MicroBatchRows = 4 });

        void Refused(string named, TrainingOptions other) =>
            Assert.Contains(named, Assert.Throws<InvalidInputException>(() => TrainingCheckpoint.ReadHeader(folder.Path, other)).Message, StringComparison.Ordinal);
    }

    private static TrainingOptions Options(bool tied) => TrainingSamples.Options() with { Model = TrainingSamples.Model with { TiedEmbeddings = tied } };

    private static byte[] End(TrainingOptions options, HeadGradient head)
    {
        using CpuDevice device = new(2);
        using Trainer trainer = new(TrainingSamples.Plan(options with { HeadGradient = head }, device, 2), TrainingSamples.Data(options));
        Assert.Equal(head == HeadGradient.Late ? 2 : 1, trainer.Plan.Program.Graph.Nodes.Count(static n => n.Op is LinearCrossEntropyGradient));
        trainer.Initialize();
        for (int i = 0; i < 3; i++) trainer.Step();
        return TrainingSamples.State(trainer);
    }
}
