using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tests.Execution;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>What must hold of every run: the same bits on any number of threads, no byte outside of the plan, learning.</summary>
public sealed class TrainerTests
{
    private static readonly MemoryChoices s_parts = new(2, new RecomputeChoice(RecomputeMode.Blocks, 1), false), s_released = new(8, new RecomputeChoice(RecomputeMode.SquareRoot), true);

    [Theory]
    [InlineData("adamw", 0f, false)]
    [InlineData("adamw", 0.1f, true)]
    [InlineData("sgd", 0.1f, false)]
    public void Any_number_of_threads_gives_the_same_weights_bit_for_bit(string optimizer, float dropout, bool inParts) =>
        AssertSameOnAnyThreads(TrainingSamples.Options(optimizer, dropout), inParts);

    [Theory]
    [MemberData(nameof(TrainingSamples.Optimizers), MemberType = typeof(TrainingSamples))]
    public void So_it_does_with_every_optimizer(string optimizer) => AssertSameOnAnyThreads(TrainingSamples.Options(optimizer), inParts: false);

    [Theory]
    [MemberData(nameof(TrainingSamples.RenewingNames), MemberType = typeof(TrainingSamples))]
    public void And_while_subspaces_are_renewed(string optimizer) =>
        AssertSameOnAnyThreads(TrainingSamples.Options() with { Optimizer = TrainingSamples.Renewing[optimizer] }, inParts: true);

    [Theory]
    [MemberData(nameof(TrainingSamples.States), MemberType = typeof(TrainingSamples))]
    public void And_with_every_storage_of_state(StateFormat state) => AssertSameOnAnyThreads(TrainingSamples.InBlocks(state), inParts: false);

    [Theory]
    [MemberData(nameof(TrainingSamples.WeightFormats), MemberType = typeof(TrainingSamples))]
    public void And_with_every_way_of_holding_weights(WeightFormat weights) => AssertSameOnAnyThreads(TrainingSamples.InBlocks(StateFormat.EightBit, weights), inParts: false);

    [Fact]
    public void And_with_products_of_bytes() => AssertSameOnAnyThreads(TrainingSamples.InBlocks(StateFormat.F32) with { Products = ProductFormat.Int8 }, inParts: true);

    [Theory]
    [MemberData(nameof(TrainingSamples.WeightFormats), MemberType = typeof(TrainingSamples))]
    public void When_weights_are_updated_changes_no_bit_of_them(WeightFormat weights)
    {
        TrainingOptions options = TrainingSamples.InBlocks(StateFormat.F32, weights) with { Steps = 3 };
        (float[] losses, byte[] state) = Train(options, new CpuDevice(2), new(4, new RecomputeChoice(RecomputeMode.None), false));
        (float[] released, byte[] other) = Train(options, new CpuDevice(2), new(4, new RecomputeChoice(RecomputeMode.SquareRoot), true));
        Assert.Equal(losses, released);
        Assert.True(state.AsSpan().SequenceEqual(other), "released gradients end with other weights");
    }

    [Theory]
    [MemberData(nameof(TrainingSamples.WeightFormats), MemberType = typeof(TrainingSamples))]
    public void A_model_learns_as_well_with_weights_in_fewer_bits(WeightFormat weights)
    {
        TrainingOptions options = TrainingSamples.InBlocks(StateFormat.F32, weights) with { Steps = 25, LearningRate = 0.003 };
        (float[] losses, _) = Train(options, new CpuDevice(2), null);
        (float[] plain, _) = Train(options with { Weights = WeightFormat.F32 }, new CpuDevice(2), null);
        Assert.Equal(plain[0], losses[0], 0.02);
        Assert.Equal(plain[^5..].Average(), losses[^5..].Average(), 0.1);
    }

    [Fact]
    public void A_model_learns_as_well_with_products_of_bytes()
    {
        TrainingOptions options = TrainingSamples.InBlocks(StateFormat.F32) with { Steps = 25, LearningRate = 0.003 };
        (float[] losses, _) = Train(options with { Products = ProductFormat.Int8 }, new CpuDevice(2), null);
        (float[] plain, _) = Train(options, new CpuDevice(2), null);
        Assert.NotEqual(plain[0], losses[0]);
        Assert.Equal(plain[0], losses[0], 0.02);
        Assert.Equal(plain[^5..].Average(), losses[^5..].Average(), 0.1);
    }

    private static void AssertSameOnAnyThreads(TrainingOptions options, bool inParts)
    {
        (float[] losses, byte[] state) = Train(options, new CpuDevice(1), inParts ? s_parts : null);
        Assert.All(losses, static l => Assert.True(float.IsFinite(l)));
        foreach (int threads in (int[])[2, 3])
        {
            (float[] otherLosses, byte[] other) = Train(options, new CpuDevice(threads), inParts ? s_parts : null);
            Assert.Equal(losses, otherLosses);
            Assert.True(state.AsSpan().SequenceEqual(other), $"{threads} threads end with other weights");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void No_instruction_reads_or_writes_outside_of_its_offsets(int which)
    {
        TrainingOptions options = TrainingSamples.Options(dropout: 0.1f) with { Steps = 2 };
        MemoryChoices? choices = which switch { 0 => null, 1 => s_parts, _ => s_released };
        (float[] losses, byte[] state) = Train(options, new CpuDevice(2), choices);
        IsolatingDevice isolating = new(new CpuDevice(2));
        (float[] otherLosses, byte[] other) = Train(options, isolating, choices);
        Assert.Equal(losses, otherLosses);
        Assert.True(state.AsSpan().SequenceEqual(other), "the weights differ where nothing else is in memory");
        Assert.InRange(isolating.Instructions, 100, 10_000);
    }

    [Fact]
    public void Nothing_is_left_over_in_memory_that_a_step_depends_on()
    {
        TrainingOptions options = TrainingSamples.Options(dropout: 0.1f);
        (float[] losses, byte[] state) = Train(options, new CpuDevice(2), s_parts);
        using CpuDevice device = new(2);
        using Trainer trainer = new(TrainingSamples.Plan(options, device, choices: s_parts), TrainingSamples.Data(options));
        trainer.Initialize();
        byte[] poison = new byte[trainer.ArenaBytes - trainer.Plan.Program.Layout.Bytes];
        Array.Fill(poison, (byte)0xFF);
        for (int i = 0; i < options.Steps; i++)
        {
            device.Write(trainer.Plan.Program.Layout.Bytes, poison);
            Assert.Equal(losses[i], trainer.Step());
            trainer.Evaluate(200, TestContext.Current.CancellationToken);
        }

        Assert.True(state.AsSpan().SequenceEqual(TrainingSamples.State(trainer)), "the weights depend on bytes of another step");
    }

    [Fact]
    public void Another_seed_gives_other_weights()
    {
        TrainingOptions options = TrainingSamples.Options() with { Steps = 1, WarmupSteps = 1 };
        Assert.False(Train(options, new CpuDevice(1), null).State.AsSpan().SequenceEqual(Train(options with { Seed = 4 }, new CpuDevice(1), null).State));
    }

    [Fact]
    public void A_model_learns()
    {
        TrainingOptions options = TrainingSamples.Options() with { Steps = 60 };
        (float[] losses, _) = Train(options, new CpuDevice(2), null);
        Assert.InRange(losses[0], 5.5f, 6.2f);
        Assert.True(losses[^5..].Average() < 4.2, $"the loss is still {losses[^5..].Average()}");
    }

    [Theory]
    [MemberData(nameof(TrainingSamples.States), MemberType = typeof(TrainingSamples))]
    public void A_model_learns_as_well_with_state_in_fewer_bits(StateFormat state)
    {
        TrainingOptions options = TrainingSamples.InBlocks(state) with { Steps = 25, LearningRate = 0.003 };
        (float[] losses, _) = Train(options, new CpuDevice(2), null);
        (float[] plain, _) = Train(options with { State = StateFormat.F32 }, new CpuDevice(2), null);
        Assert.Equal(plain[0], losses[0]);
        Assert.True(plain[^1] < plain[0] - 1, $"nothing was learnt: {plain[^1]}");
        Assert.Equal(plain[^5..].Average(), losses[^5..].Average(), 0.05);
    }

    [Fact]
    public void The_evaluation_is_the_mean_over_targets_however_many_rows_go_at_once()
    {
        TrainingOptions options = TrainingSamples.Options();
        double[] evaluations = [.. ((int[])[8, 2, 1]).Select(rows =>
        {
            using CpuDevice device = new(2);
            using Trainer trainer = new(TrainingSamples.Plan(options, device, choices: new(rows, default, false)), TrainingSamples.Data(options));
            trainer.Initialize();
            byte[] before = TrainingSamples.State(trainer);
            (double loss, long targets) = trainer.Evaluate(10_000, TestContext.Current.CancellationToken);
            Assert.Equal(before, TrainingSamples.State(trainer));
            Assert.InRange(targets, 400, 500);
            return loss;
        })];
        Assert.Equal(evaluations[0], evaluations[1], 1e-6 * evaluations[0]);
        Assert.Equal(evaluations[0], evaluations[2], 1e-6 * evaluations[0]);
    }

    private static (float[] Losses, byte[] State) Train(TrainingOptions options, IDevice device, MemoryChoices? choices)
    {
        using IDevice owned = device;
        using Trainer trainer = new(TrainingSamples.Plan(options, device, choices: choices), TrainingSamples.Data(options));
        trainer.Initialize();
        float[] losses = new float[options.Steps];
        for (int i = 0; i < losses.Length; i++) losses[i] = trainer.Step();
        return (losses, TrainingSamples.State(trainer));
    }
}
