using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Graphs;
using Ration.Memory;
using Ration.Planning;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>Tests that look at numbers of the whole process run alone.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>Native memory is what was planned, goes back when done, and nothing managed is allocated by a step.</summary>
[Collection(nameof(Alone))]
public sealed class MemoryLedgerTests : IDisposable
{
    private readonly long _before = Arena.LiveBytes;

    public void Dispose() => Assert.Equal(_before, Arena.LiveBytes);

    [Fact]
    public void A_trainer_holds_exactly_the_planned_bytes_and_gives_them_back()
    {
        TrainingOptions options = TrainingSamples.Options();
        foreach (int rows in (int[])[8, 2, 1])
        {
            using CpuDevice device = new(2);
            TrainingPlan plan = TrainingSamples.Plan(options, device, choices: new MemoryChoices(rows, default, false));
            Assert.Equal(_before, Arena.LiveBytes);
            using (Trainer trainer = new(plan, TrainingSamples.Data(options)))
            {
                trainer.Initialize();
                trainer.Step();
                trainer.Evaluate(100, TestContext.Current.CancellationToken);
                Assert.Equal(plan.ArenaBytes, trainer.ArenaBytes);
                Assert.Equal(plan.ArenaBytes, Arena.LiveBytes - _before);
            }

            Assert.Equal(_before, Arena.LiveBytes);
        }
    }

    [Fact]
    public void A_second_reservation_takes_the_place_of_the_first()
    {
        using CpuDevice device = new(1);
        device.Reserve(5000);
        device.Reserve(300);
        Assert.Equal(300, Arena.LiveBytes - _before);
        device.Dispose();
        device.Dispose();
        Assert.Equal(_before, Arena.LiveBytes);
    }

    [Fact]
    public void What_was_given_back_is_not_touched_again()
    {
        TrainingOptions options = TrainingSamples.Options();
        CpuDevice device = new(1);
        Trainer trainer = new(TrainingSamples.Plan(options, device), TrainingSamples.Data(options));
        trainer.Initialize();
        trainer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => trainer.Step());
        Assert.Throws<ObjectDisposedException>(() => device.Write(0, [1]));
        Assert.Throws<ObjectDisposedException>(() => device.Reserve(100));
        using Arena arena = Arena.Reserve(100);
        Assert.Equal(96, arena.View<byte>(4, 96).Length);
        Assert.Equal(0, arena.View<float>(100, 0).Length);
        foreach ((long offset, int count) in ((long, int)[])[(-1, 1), (97, 1), (0, 26), (0, -1), (long.MaxValue, 1)])
            Assert.Throws<ArgumentOutOfRangeException>(() => arena.View<float>(offset, count).Length);
        arena.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arena.View<byte>(0, 1).Length);
    }

    [Fact]
    public void A_run_that_cannot_start_leaves_nothing_behind()
    {
        TrainingOptions options = TrainingSamples.Options();
        using CpuDevice device = new(1);
        TrainingPlan plan = TrainingSamples.Plan(options, device);
        Assert.Throws<ArgumentException>(() => new Trainer(plan, TrainingSamples.Data(options with { Sequence = 20 })));
        Assert.Throws<InvalidInputException>(() => new TrainingRun(plan, TrainingSamples.Data(options), new TrainingRunOptions("/nowhere", Resume: true)));
        Assert.Equal(_before, Arena.LiveBytes);
    }

    [Theory]
    [InlineData(8, 0f, false, "adamw")]
    [InlineData(8, 0.1f, true, "adamw")]
    [InlineData(2, 0.1f, false, "adamw")]
    [InlineData(2, 0.1f, false, "lisa")]
    [InlineData(8, 0f, true, "frugal-blocks")]
    [InlineData(4, 0.1f, false, "slimfit", RecomputeMode.None)]
    public void A_step_allocates_no_managed_byte(int microBatchRows, float dropout, bool release, string optimizer, RecomputeMode recompute = RecomputeMode.Blocks)
    {
        TrainingOptions options = TrainingSamples.Options(optimizer, dropout) with { Steps = 1000 };
        using CpuDevice device = new(2);
        using Trainer trainer = new(TrainingSamples.Plan(options, device, choices: new(microBatchRows, new(recompute), release)), TrainingSamples.Data(options));
        trainer.Initialize();
        for (int i = 0; i < 3; i++) trainer.Step();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 3; i++) trainer.Step();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Planning_a_model_of_any_size_reserves_nothing()
    {
        TrainingOptions options = TrainingSamples.Options() with { Model = Ration.Models.Presets.Get("llama-2-7b"), MicroBatchRows = 1, Recompute = RecomputeMode.SquareRoot };
        using NullDevice device = new();
        TrainingPlan plan = TrainingPlan.Create(options with { Memory = ByteSize.Parse("900GiB") }, device);
        long weights = options.Model.Parameters * sizeof(float);
        Assert.InRange(plan.ArenaBytes, 3 * weights, 5 * weights);
        Assert.Equal(_before, Arena.LiveBytes);
        using Executor executor = new(device, plan.Program, plan.Evaluation);
        Assert.Equal(plan.ArenaBytes, device.ReservedBytes);
        executor.Run(plan.Program, Phase.Repeat);
        Assert.Equal(plan.Program.Instructions.Count(static i => i.Node.Phase == Phase.Repeat), device.Instructions);
    }
}
