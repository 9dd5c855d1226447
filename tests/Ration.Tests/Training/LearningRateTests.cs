using Ration.Devices.Cpu;
using Ration.Models;
using Ration.Optimizers;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>The learning rate of each step, and where it comes from.</summary>
public sealed class LearningRateTests
{
    [Theory]
    [InlineData(ScheduleShape.Linear, 1, 0.5)]
    [InlineData(ScheduleShape.Linear, 4, 2)]
    [InlineData(ScheduleShape.Linear, 5, 1.775)]
    [InlineData(ScheduleShape.Linear, 8, 1.1)]
    [InlineData(ScheduleShape.Linear, 12, 0.2)]
    [InlineData(ScheduleShape.Linear, 15, 0.2)]
    [InlineData(ScheduleShape.Cosine, 3, 1.5)]
    [InlineData(ScheduleShape.Cosine, 4, 2)]
    [InlineData(ScheduleShape.Cosine, 6, 1.7363961030678928)]
    [InlineData(ScheduleShape.Cosine, 8, 1.1)]
    [InlineData(ScheduleShape.Cosine, 10, 0.46360389693210723)]
    [InlineData(ScheduleShape.Cosine, 12, 0.2)]
    [InlineData(ScheduleShape.Constant, 2, 1)]
    [InlineData(ScheduleShape.Constant, 5, 2)]
    [InlineData(ScheduleShape.Constant, 12, 2)]
    public void It_rises_over_four_steps_and_falls_to_a_tenth_in_the_twelfth(ScheduleShape shape, long step, double rate) =>
        Assert.Equal(rate, new LearningRateSchedule(shape, 2, 0.1, 4, 12).At(step), 1e-12);

    [Theory]
    [InlineData(1, 0.91)]
    [InlineData(2, 0.82)]
    public void Without_warm_up_the_first_step_has_begun_to_fall(long step, double rate) =>
        Assert.Equal(rate, new LearningRateSchedule(ScheduleShape.Linear, 1, 0.1, 0, 10).At(step), 1e-12);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(20, 1)]
    [InlineData(21, 2)]
    [InlineData(2000, 100)]
    [InlineData(50_000, 500)]
    public void A_run_warms_up_for_a_twentieth_of_its_steps_and_no_more_than_500(long steps, long warmup)
    {
        LearningRateSchedule schedule = new TrainingOptions { Model = Presets.Get("nano"), Steps = steps }.LearningRateSchedule;
        Assert.Equal((warmup, steps, ScheduleShape.Cosine, 0.1), (schedule.WarmupSteps, schedule.Steps, schedule.Shape, schedule.FinalShare));
        Assert.Equal(7, new TrainingOptions { Model = Presets.Get("nano"), Steps = 100, WarmupSteps = 7 }.LearningRateSchedule.WarmupSteps);
    }

    [Theory]
    [InlineData("nano", 128, 2.5e-3)]
    [InlineData("small", 768, 5.962371171271897e-4)]
    [InlineData("llama-2-7b", 4096, 1.5625e-4)]
    public void The_peak_falls_with_the_width_of_the_model(string preset, int width, double peak)
    {
        Assert.Equal(width, Presets.Get(preset).Width);
        Assert.Equal(peak, new TrainingOptions { Model = Presets.Get(preset) }.PeakLearningRate, peak * 1e-9);
        Assert.Equal(0.7, new TrainingOptions { Model = Presets.Get(preset), LearningRate = 0.7 }.PeakLearningRate);
    }

    // What is not named has AdamW's own rate.
    [Fact]
    public void Rules_whose_steps_are_longer_or_shorter_have_a_share_of_that()
    {
        Dictionary<string, double> shares = new()
        {
            ["sgd"] = 5,
            ["sgd-plain"] = 50,
            ["lion"] = 0.3,
            ["lamb"] = 4,
            ["lars"] = 1000,
            ["vr-sgd"] = 5,
            ["vr-lamb"] = 4,
            ["lomo"] = 50,
            ["adalomo"] = 10,
            ["slimfit"] = 4,
            ["compact"] = 2,
            ["apollo"] = 4,
            ["apollo-mini"] = 4,
            ["fira"] = 4,
            ["galore"] = 4,
            ["q-galore"] = 4,
            ["natural-galore"] = 4,
            ["grad-norm-lorp"] = 4,
        };
        Assert.All(OptimizerCatalog.All, rule => Assert.Equal(shares.GetValueOrDefault(rule.Name, 1), rule.Create(new OptimizerSettings { TokensPerStep = 1024 }).RateShare, 1e-6));
        Assert.Equal(2, OptimizerCatalog.Create("galore", new OptimizerSettings { Numbers = new Dictionary<string, double> { ["scale"] = 0.5 } }).RateShare, 1e-6);
    }

    [Fact]
    public void Each_step_is_taken_at_its_rate()
    {
        // Plain descent with a gradient that the loss hardly changes: steps are in proportion to rates.
        TrainingOptions options = TrainingSamples.Options("sgd-plain") with { ClipNorm = 0, LearningRate = 1e-4, WarmupSteps = 2, Steps = 6, Schedule = ScheduleShape.Linear };
        float[] first = Weights(options, 1), second = Weights(options, 2), start = Weights(options, 0), whole = Weights(options with { WarmupSteps = 1 }, 1);
        double half = Distance(start, first), full = Distance(start, whole);
        Assert.Equal(0.5, half / full, 1e-3);
        Assert.InRange(Distance(first, second) / half, 1.2, 2.8);
    }

    private static float[] Weights(TrainingOptions options, int steps)
    {
        using Trainer trainer = new(TrainingSamples.Plan(options, new CpuDevice(1)), TrainingSamples.Data(options));
        trainer.Initialize();
        for (int i = 0; i < steps; i++) trainer.Step();
        float[] numbers = new float[trainer.Weights[0].Shape.Elements];
        trainer.Executor.ReadPersistent(trainer.Weights[0], 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    private static double Distance(float[] a, float[] b) => Math.Sqrt(a.Zip(b, static (x, y) => ((double)x - y) * ((double)x - y)).Sum());
}
