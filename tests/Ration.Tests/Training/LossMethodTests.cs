using Ration.Data;
using Ration.Devices.Cpu;
using Ration.Planning;
using Ration.Tests.Files;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>Whole runs with every way to compute the loss.</summary>
public sealed class LossMethodTests
{
    private static readonly MemoryChoices s_parts = new(2, default, false);

    public static TheoryData<LossMethod> Methods => [.. Enum.GetValues<LossMethod>()];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Any_number_of_threads_gives_the_same_weights_bit_for_bit(LossMethod method)
    {
        foreach (MemoryChoices? choices in (MemoryChoices?[])[null, s_parts])
        {
            (float[] losses, byte[] state) = Train(Options(method), threads: 1, choices);
            (float[] others, byte[] other) = Train(Options(method), threads: 3, choices);
            Assert.All(losses, static l => Assert.True(float.IsFinite(l) && l > 0));
            Assert.Equal(losses, others);
            Assert.True(state.AsSpan().SequenceEqual(other), "three threads end with other weights");
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Micro_batches_add_up_to_the_whole_batch(LossMethod method)
    {
        (float[] whole, _) = Train(Options(method), 2, null);
        (float[] parts, _) = Train(Options(method), 2, s_parts);
        // A filter looks at tiles of tokens, which are other ones in each part.
        double tolerance = method == LossMethod.Filtered ? 1e-3 : 1e-5;
        for (int i = 0; i < whole.Length; i++) Assert.Equal(whole[i], parts[i], tolerance * whole[i]);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_resumed_run_ends_with_the_same_bytes(LossMethod method)
    {
        TrainingOptions options = Options(method) with { MicroBatchRows = 4 };
        using TemporaryFolder folder = new();
        (_, byte[] state) = Train(options, 2, null);
        using (CpuDevice device = new(2))
        {
            using Trainer half = Trainer(options, device, null);
            for (int i = 0; i < 3; i++) half.Step();
            TrainingCheckpoint.Save(half, folder.Path, "data");
        }

        using CpuDevice again = new(2);
        using Trainer resumed = Trainer(options, again, TrainingCheckpoint.ReadHeader(folder.Path).Choices);
        TrainingCheckpoint.Load(resumed, folder.Path, "data");
        for (int i = 3; i < options.Steps; i++) resumed.Step();
        Assert.True(state.AsSpan().SequenceEqual(TrainingSamples.State(resumed)), "the resumed run ends with other weights");
        TrainingOptions otherLoss = options with { Loss = new LossOptions { Method = method == LossMethod.Cut ? LossMethod.Full : LossMethod.Cut } };
        Assert.Contains("it has --loss ", Assert.ThrowsAny<InvalidInputException>(() => TrainingCheckpoint.ReadHeader(folder.Path, otherLoss)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Exact_methods_agree_and_kept_logits_give_the_same_bits()
    {
        (float[] cut, byte[] state) = Train(Options(LossMethod.Cut), 2, null);
        (float[] full, byte[] fullState) = Train(Options(LossMethod.Full), 2, null);
        Assert.Equal(cut, full);
        Assert.True(state.AsSpan().SequenceEqual(fullState), "kept logits end with other weights");
        (float[] chunked, _) = Train(Options(LossMethod.Chunked), 2, null);
        for (int i = 0; i < cut.Length; i++) Assert.Equal(cut[i], chunked[i], 1e-5 * cut[i]);
    }

    [Fact]
    public void A_sample_of_everything_is_the_exact_loss_and_a_smaller_one_is_below_it()
    {
        TrainingOptions options = Options(LossMethod.Sampled);
        (float[] cut, _) = Train(Options(LossMethod.Cut), 2, null);
        (float[] all, _) = Train(options with { Loss = options.Loss with { SampleShare = 1 } }, 2, null);
        for (int i = 0; i < cut.Length; i++) Assert.Equal(cut[i], all[i], 1e-5 * cut[i]);
        (float[] tenth, _) = Train(Sparse(options), 2, null);
        (float[] exact, _) = Train(Sparse(options) with { Loss = new LossOptions() }, 2, null);
        Assert.True(tenth[0] < exact[0] - 0.5, $"a softmax over fewer classes has a loss of {tenth[0]} where all have {exact[0]}");
    }

    [Fact]
    public void A_model_learns_from_samples()
    {
        TrainingOptions options = Sparse(Options(LossMethod.Sampled)) with { Steps = 150 };
        using CpuDevice device = new(2);
        using Trainer trainer = Trainer(options, device, null);
        double before = trainer.Evaluate(10_000, TestContext.Current.CancellationToken).Loss;
        for (int i = 0; i < options.Steps; i++) trainer.Step();
        double after = trainer.Evaluate(10_000, TestContext.Current.CancellationToken).Loss;
        Assert.True(after < before - 0.5, $"the exact loss on held-out tokens went from {before} to {after}");
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Evaluation_is_exact(LossMethod method)
    {
        double[] losses = [.. ((LossMethod[])[LossMethod.Cut, method]).Select(m =>
        {
            using CpuDevice device = new(2);
            using Trainer trainer = Trainer(Options(m), device, null);
            return trainer.Evaluate(10_000, TestContext.Current.CancellationToken).Loss;
        })];
        Assert.Equal(losses[0], losses[1]);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_step_without_a_target_changes_nothing_but_what_decays(LossMethod method)
    {
        TrainingOptions options = Options(method) with { Steps = 2, Optimizer = new Ration.Optimizers.Sgd() };
        using CpuDevice device = new(2);
        using Trainer trainer = new(TrainingSamples.Plan(options, device), new PackedBatches(new OnlyBeginnings(), options.Sequence, 1));
        trainer.Initialize();
        byte[] before = TrainingSamples.State(trainer);
        Assert.Equal(0, trainer.Step());
        Assert.Equal(0, trainer.Step());
        Assert.True(before.AsSpan().SequenceEqual(TrainingSamples.State(trainer)), "weights moved without a target");
    }

    [Fact]
    public void Kept_logits_are_planned_and_cut_ones_are_not()
    {
        TrainingOptions options = Options(LossMethod.Cut) with { Model = TrainingSamples.Model with { Vocabulary = 20_000 } };
        using CpuDevice device = new(2);
        long cut = Transient(LossMethod.Cut), full = Transient(LossMethod.Full), chunked = Transient(LossMethod.Chunked), filtered = Transient(LossMethod.Filtered);
        long logits = options.BatchTokens * 20_000L * sizeof(float);
        Assert.InRange(full - cut, 0.9 * logits, 1.1 * logits);
        Assert.InRange(chunked - cut, 1, 0.6 * logits);
        Assert.InRange(filtered - cut, 0, 4L << 20);
        PlanReason reason = Assert.Single(TrainingSamples.Plan(options with { Loss = new LossOptions { Method = LossMethod.Sampled } }, device).Reasons, static r => r.Name == "loss");
        Assert.Equal("sampled", reason.Choice);
        Assert.Contains("2000 of 20000 classes", reason.Reason, StringComparison.Ordinal);

        long Transient(LossMethod method) =>
            StepProgram.Compile(TrainingGraph.Build((options with { Loss = new LossOptions { Method = method } }).Step, new MemoryChoices(8, default, true)).Graph, device).TransientBytes;
    }

    [Fact]
    public void Numbers_that_cannot_be_used_are_refused()
    {
        foreach (float threshold in (float[])[0, 1, -1, float.NaN])
            Assert.Contains("--filter-threshold", Refusal(new LossOptions { Method = LossMethod.Filtered, FilterThreshold = threshold }), StringComparison.Ordinal);
        foreach (double share in (double[])[0, 1.1, -1, double.NaN])
            Assert.Contains("--sample-share", Refusal(new LossOptions { Method = LossMethod.Sampled, SampleShare = share }), StringComparison.Ordinal);

        static string Refusal(LossOptions loss) => Assert.Throws<InvalidInputException>(() => (TrainingSamples.Options() with { Loss = loss }).Validate()).Message;
    }

    private static TrainingOptions Options(LossMethod method) =>
        TrainingSamples.Options() with { Loss = new LossOptions { Method = method, FilterThreshold = 0.01f, SampleShare = 0.3 } };

    // So few tokens in a step that its targets are a small part of the vocabulary.
    private static TrainingOptions Sparse(TrainingOptions options) => options with { BatchTokens = 40, Loss = options.Loss with { SampleShare = 0.1 } };

    private static Trainer Trainer(TrainingOptions options, CpuDevice device, MemoryChoices? choices)
    {
        Trainer trainer = new(TrainingSamples.Plan(options, device, choices: choices), TrainingSamples.Data(options));
        trainer.Initialize();
        return trainer;
    }

    private static (float[] Losses, byte[] State) Train(TrainingOptions options, int threads, MemoryChoices? choices)
    {
        using CpuDevice device = new(threads);
        using Trainer trainer = Trainer(options, device, choices);
        float[] losses = new float[options.Steps];
        for (int i = 0; i < losses.Length; i++) losses[i] = trainer.Step();
        return (losses, TrainingSamples.State(trainer));
    }

    // Every token begins a document, so none has a successor to learn.
    private sealed class OnlyBeginnings : ITokenSource
    {
        public long Count => 2000;

        public void Read(long start, Span<int> tokens)
        {
            for (int i = 0; i < tokens.Length; i++) tokens[i] = (int)((start + i) % 300) | ITokenSource.DocumentStart;
        }
    }
}
