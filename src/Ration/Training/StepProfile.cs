using System.Diagnostics;
using Ration.Data;
using Ration.Devices;
using Ration.Memory;
using Ration.Planning;
using Ration.Tensors;

namespace Ration.Training;

/// <summary>Where the time of a training step goes.</summary>
/// <param name="Plan">What was run.</param>
/// <param name="StepSeconds">Median time of a step.</param>
/// <param name="Ops">Time by op, of one step, longest first.</param>
public sealed record StepProfile(TrainingPlan Plan, double StepSeconds, IReadOnlyList<OpTiming> Ops)
{
    /// <summary>Steps before the first that counts.</summary>
    internal const int WarmUpSteps = 2;

    /// <summary>Trains for some steps on random tokens and measures.</summary>
    /// <param name="options">The run.</param>
    /// <param name="device">Where to run; disposed at the end.</param>
    /// <param name="steps">Steps to measure, after two that warm up.</param>
    /// <param name="choices">How memory is arranged; null for the planner's choice.</param>
    /// <param name="hostBytes">Managed memory that the process is known to hold besides.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    /// <exception cref="MemoryBudgetException">It does not fit.</exception>
    public static StepProfile Measure(TrainingOptions options, IDevice device, int steps, MemoryChoices? choices = null, long hostBytes = 0, CancellationToken cancellation = default)
    {
        TimedDevice timed = device as TimedDevice ?? new TimedDevice(device);
        TrainingPlan plan = TrainingPlan.Create(options with { Steps = (2 * steps) + WarmUpSteps }, timed, hostBytes, choices);
        GarbageLimit.ReleaseAll();
        PackedBatches data = new(new RandomTokens(Math.Max(64, 4L * options.Rows) * options.Sequence, options.Model.Vocabulary), options.Sequence, options.Seed);
        using Trainer trainer = new(plan, data);
        trainer.Initialize();
        for (int i = 0; i < WarmUpSteps; i++) trainer.Step();
        timed.Restart();
        double[] seconds = new double[steps];
        for (int i = 0; i < steps; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            long start = Stopwatch.GetTimestamp();
            trainer.Step();
            seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(seconds);
        OpTiming[] ops = [.. timed.Timings.Select(t => t with { Count = t.Count / steps, Seconds = t.Seconds / steps, Flops = t.Flops / steps, Bytes = t.Bytes / steps })];
        return new StepProfile(plan, seconds[steps / 2], ops);
    }

    private sealed class RandomTokens(long count, int vocabulary) : ITokenSource
    {
        private readonly CounterRandom _random = new(1, 2);

        public long Count => count;

        public void Read(long start, Span<int> tokens)
        {
            for (int i = 0; i < tokens.Length; i++) tokens[i] = (int)(_random.Uniform((ulong)(start + i)) * vocabulary);
        }
    }
}
