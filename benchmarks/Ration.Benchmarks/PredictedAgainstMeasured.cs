using System.Globalization;
using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Training;
using Ration.Training.Calibration;

namespace Ration.Benchmarks;

/// <summary>
/// Seconds of a step as predicted from measured rates against seconds as measured, for plans that differ in shape, arrangement and update
/// rule; and the planner's choice under several budgets against the best of all plans that fit, each of them run.
/// </summary>
internal static class PredictedAgainstMeasured
{
    /// <summary>Runs both: [--threads N] [--steps N] [--only TEXT] [--explain]; with a text, plans that have it in their line, and no choices.</summary>
    public static int Run(string[] arguments)
    {
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), steps = Options.Number(arguments, "--steps", 5);
        ByteSize memory = new(MeasuredMemory.DefaultBudgetBytes());
        MachineRates Rates() => MachineCalibration.Measure(() => new CpuDevice(threads), memory);
        string only = Options.Text(arguments, "--only", "");
        Predictions(Rates, threads, steps, only, arguments.Contains("--explain"));
        if (only.Length == 0) Choices(Rates(), threads, steps);
        return 0;
    }

    // The speed of a shared machine drifts within minutes, so it is measured anew for each model.
    private static void Predictions(Func<MachineRates> measure, int threads, int steps, string only, bool explain)
    {
        Console.WriteLine($"{"model",-8} {"rows x tokens",14} {"at once",7} {"recompute",-16} {"updates",-9} {"rule",-18} {"predicted ms",12} {"measured ms",12} {"ratio",6}");
        List<double> ratios = [];
        MachineRates rates = MachineRates.Nominal;
        (string Model, int Rows) measuredFor = default;
        foreach ((TrainingOptions options, MemoryChoices choices) in Plans())
        {
            string plan = string.Create(CultureInfo.InvariantCulture,
                $"{options.Model.Name,-8} {$"{options.Rows} x {options.Sequence}",14} {choices.MicroBatchRows,7} {choices.Recompute,-16} {(choices.Release ? "released" : "at end"),-9} {options.Optimizer.Name,-18}");
            if (!plan.Contains(only, StringComparison.Ordinal)) continue;
            if (measuredFor != (options.Model.Name, options.Rows)) (rates, measuredFor) = (measure(), (options.Model.Name, options.Rows));
            Dictionary<string, double> measured = [];
            StepProfile profile = Measure(options, choices, threads, steps, measured);
            double predicted = profile.Plan.PredictedStepSeconds(rates), ratio = predicted / profile.StepSeconds;
            ratios.Add(ratio);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{plan} {1e3 * predicted,12:0.0} {1e3 * profile.StepSeconds,12:0.0} {ratio,6:0.00}"));
            if (explain) Explain(profile.Plan, rates, measured);
        }

        double[] sorted = [.. ratios.Order()];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{sorted.Count(static r => r is >= 0.8 and <= 1.2)} of {sorted.Length} plans within 20 %; ratios {sorted[0]:0.00} to {sorted[^1]:0.00}, median {sorted[sorted.Length / 2]:0.00}"));
    }

    private static IEnumerable<(TrainingOptions Options, MemoryChoices Choices)> Plans()
    {
        RecomputeChoice none = new(RecomputeMode.None), cheap = new(RecomputeMode.Blocks), two = new(RecomputeMode.Blocks, 2), root = new(RecomputeMode.SquareRoot);
        foreach ((string model, int rows, int sequence) in ((string, int, int)[])[("nano", 12, 64), ("nano", 4, 256), ("tiny", 8, 128), ("tiny", 4, 256), ("small", 4, 256)])
        {
            TrainingOptions options = Of(model, rows, sequence, new AdamW());
            foreach (RecomputeChoice recompute in (RecomputeChoice[])[none, cheap, two, root])
                yield return (options, new MemoryChoices(rows, recompute, recompute != none));
            yield return (options, new MemoryChoices(rows / 2, none, false));
            yield return (options, new MemoryChoices(1, cheap, false));
        }

        foreach (OptimizerEntry entry in OptimizerCatalog.All.Skip(1))
        {
            IOptimizer optimizer = entry.Create(new OptimizerSettings { TokensPerStep = 4 * 128 });
            yield return (Of("tiny", 4, 128, optimizer), new MemoryChoices(4 / Math.Max(1, optimizer.GradientParts), none, optimizer.GradientParts == 0));
        }
    }

    private static TrainingOptions Of(string model, int rows, int sequence, IOptimizer optimizer) =>
        new() { Model = Presets.Get(model), BatchTokens = rows * sequence, Sequence = sequence, Optimizer = optimizer };

    // Which kinds of operation are predicted worst, in time of a step.
    private static void Explain(TrainingPlan plan, MachineRates rates, Dictionary<string, double> measured)
    {
        CostModel cost = new(rates);
        Graph graph = plan.Program.Graph;
        foreach ((string kind, double seconds) in graph.Nodes.GroupBy(CostModel.ClassOf)
            .Select(k => (k.Key, k.Sum(n => cost.Seconds(n) * (n.Phase == Phase.Repeat ? graph.Repetitions : 1))))
            .OrderByDescending(k => Math.Abs(k.Item2 - measured.GetValueOrDefault(k.Key))).Take(8))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {kind,-86} {1e3 * seconds,10:0.00} {1e3 * measured.GetValueOrDefault(kind),10:0.00}{(rates.Measured.ContainsKey(kind) ? "" : "  never measured")}"));
    }

    private static StepProfile Measure(TrainingOptions options, MemoryChoices choices, int threads, int steps, Dictionary<string, double>? kinds = null)
    {
        steps = options.Model.Parameters > 50_000_000 ? 2 : steps;
        TimedDevice device = new(new CpuDevice(threads))
        {
            Observer = (node, seconds) => kinds?[CostModel.ClassOf(node)] = kinds.GetValueOrDefault(CostModel.ClassOf(node)) + (seconds / (steps + StepProfile.WarmUpSteps)),
        };
        return StepProfile.Measure(options with { Memory = ByteSize.Parse("1TiB") }, device, threads, steps, choices);
    }

    private static void Choices(MachineRates rates, int threads, int steps)
    {
        TrainingOptions options = Of("tiny", 8, 128, new AdamW());
        using CpuDevice device = new(threads);
        List<(MemoryChoices Choices, long Bytes, double Seconds)> all = [];
        foreach (MemoryChoices choices in TrainingPlan.Arrangements(options, device, 300L << 20)) Add(choices);

        long least = all.Min(static a => a.Bytes), most = all.Max(static a => a.Bytes);
        Console.WriteLine($"{"budget MiB",11} {"chosen",-34} {"ms",8} {"best of all that fit",-34} {"ms",8} {"ratio",6}");
        foreach (double share in (double[])[0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1])
        {
            long budget = least + (long)(share * (most - least));
            TrainingPlan plan = TrainingPlan.Create(options with { Memory = new ByteSize(budget) }, device, threads, rates: rates);
            // The optimal schedule is made for a budget, so that one of another budget is a plan of its own.
            if (!all.Exists(a => a.Choices == plan.Choices)) Add(plan.Choices);
            (MemoryChoices Choices, long Bytes, double Seconds) best = all.Where(a => a.Bytes <= budget).MinBy(static a => a.Seconds), chosen = all.Single(a => a.Choices == plan.Choices);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{budget / 1048576.0,11:0.0} {Words(chosen.Choices),-34} {1e3 * chosen.Seconds,8:0.0} {Words(best.Choices),-34} {1e3 * best.Seconds,8:0.0} {chosen.Seconds / best.Seconds,6:0.000}"));
        }

        void Add(MemoryChoices choices)
        {
            TrainingPlan plan = TrainingPlan.Create(options with { Memory = ByteSize.Parse("1TiB") }, device, threads, pinned: choices);
            all.Add((choices, plan.PlannedPeakBytes, Measure(options, choices, threads, steps).StepSeconds));
        }

        static string Words(MemoryChoices c) => $"{c.MicroBatchRows} at once, {c.Recompute}, {(c.Release ? "released" : "at end")}";
    }
}
