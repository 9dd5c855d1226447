using Ration.Devices;
using Ration.Execution;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;

namespace Ration.Training.Calibration;

/// <summary>
/// Measures how long each kind of operation takes on a machine, by training models of three sizes for a few steps: small work that fits caches,
/// and large work that streams from memory.
/// </summary>
public static class MachineCalibration
{
    // Small models are soon done, and so short that other programs disturb a step as a whole.
    private const int Steps = 4, StepsOfSmall = 12, SmallWidth = 128;

    // Layers are few: they are all alike. Widths span what caches hold and what they do not.
    private static readonly (ModelConfiguration Model, int Rows, int MicroBatch, int Sequence)[] s_runs =
    [
        (Model(256, 128, 384, 4), 12, 12, 64), (Model(256, 128, 384, 4), 4, 1, 64), (Model(256, 128, 384, 4), 4, 4, 256),
        (Model(8192, 320, 896, 5), 8, 8, 128), (Model(8192, 320, 896, 5), 2, 1, 128), (Model(32_000, 768, 2048, 12), 4, 4, 256),
    ];

    /// <summary>Measures.</summary>
    /// <param name="device">Makes a device; each run has one of its own.</param>
    /// <param name="memory">What this process may have; runs that need more are left out.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    public static MachineRates Measure(Func<IDevice> device, ByteSize memory, CancellationToken cancellation = default)
    {
        MachineRates rates;
        using (IDevice probe = device()) rates = MachineMeasurement.Measure(probe);
        Dictionary<(string Class, double Work), List<double>> seconds = [];
        foreach ((ModelConfiguration model, int rows, int microBatch, int sequence) in s_runs)
            TryRun(device, new TrainingOptions
            {
                Model = model,
                Sequence = sequence,
                BatchTokens = rows * sequence,
                MicroBatchRows = microBatch,
                Memory = memory,
                Recompute = RecomputeMode.None
            }, seconds, cancellation);
        foreach (OptimizerEntry optimizer in OptimizerCatalog.All.Skip(1))
        {
            foreach (ModelConfiguration model in (ModelConfiguration[])[Model(256, 128, 384, 4), Model(8192, 320, 896, 5)])
            {
                TrainingOptions options = new() { Model = model, Sequence = 64, BatchTokens = 128, Memory = memory };
                options = options with { Optimizer = optimizer.Create(new OptimizerSettings { TokensPerStep = options.BatchTokens }) };
                TryRun(device, options, seconds, cancellation);
            }
        }

        return rates with { Measured = Times(seconds) };
    }

    private static void TryRun(Func<IDevice> device, TrainingOptions options, Dictionary<(string, double), List<double>> seconds, CancellationToken cancellation)
    {
        int steps = options.Model.Width <= SmallWidth ? StepsOfSmall : Steps;
        Dictionary<(string, double), List<double>> own = [];
        TimedDevice timed = new(device())
        {
            Observer = (node, time) =>
            {
                (string, double) key = (CostModel.ClassOf(node), CostModel.WorkOf(node));
                if (!own.TryGetValue(key, out List<double>? known)) own[key] = known = [];
                known.Add(time);
            },
        };
        try
        {
            StepProfile.Measure(options, timed, steps, cancellation: cancellation);
            foreach (((string, double) key, List<double> times) in own)
            {
                if (!seconds.TryGetValue(key, out List<double>? known)) seconds[key] = known = [];
                // Without the steps that warm up, which pay for compilation and for memory that was never touched.
                known.AddRange(times.Skip(times.Count * StepProfile.WarmUpSteps / (steps + StepProfile.WarmUpSteps)));
            }
        }
        catch (MemoryBudgetException)
        {
            timed.Dispose();
        }
    }

    // Works of nearly one amount become one point: what differs between them is noise, and the median passes over it.
    private static Dictionary<string, WorkTimes> Times(Dictionary<(string Class, double Work), List<double>> seconds)
    {
        Dictionary<string, WorkTimes> times = [];
        foreach (IGrouping<string, KeyValuePair<(string Class, double Work), List<double>>> kind in seconds.Where(static s => s.Key.Work > 0).GroupBy(static s => s.Key.Class))
        {
            IEnumerable<WorkTime> points = kind.GroupBy(static s => Math.Round(2 * Math.Log2(s.Key.Work))).Select(static near =>
            {
                (double Work, double Seconds)[] all = [.. near.SelectMany(static s => s.Value.Select(t => (s.Key.Work, t))).OrderBy(static p => p.t / p.Work)];
                double work = near.Average(static s => s.Key.Work);
                (double Work, double Seconds) middle = all[all.Length / 2];
                return new WorkTime(work, work * middle.Seconds / middle.Work);
            });
            times[kind.Key] = new WorkTimes(points.Where(static p => p.Seconds > 0).DefaultIfEmpty(new WorkTime(1, 1e-9)));
        }

        return times;
    }

    private static ModelConfiguration Model(int vocabulary, int width, int hidden, int heads) => new()
    {
        Name = "calibration",
        Vocabulary = vocabulary,
        Width = width,
        HiddenWidth = hidden,
        Layers = 2,
        Heads = heads,
        KvHeads = heads == 12 ? 4 : heads == 4 ? 2 : heads,
        HeadDimension = width / heads,
        Context = 1024,
    };
}
