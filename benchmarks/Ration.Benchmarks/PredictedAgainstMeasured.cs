using System.Globalization;
using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Execution;
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
        Console.WriteLine(
            $"{"model",-8} {"rows x tokens",14} {"at once",7} {"recompute",-16} {"updates",-9} {"rule",-18} {"predicted ms",12} {"measured ms",12} {"ratio",6} {"speed",6} {"ratio at one speed",18}");
        List<double> ratios = [], adjusted = [];
        MachineRates rates = MachineRates.Nominal;
        double calibrated = 0;
        (string Model, int Rows) measuredFor = default;
        foreach ((TrainingOptions options, MemoryChoices choices) in Plans())
        {
            string plan = string.Create(CultureInfo.InvariantCulture,
                $"{options.Model.Name,-8} {$"{options.Rows} x {options.Sequence}",14} {choices.MicroBatchRows,7} {choices.Recompute,-16} "
                + $"{(choices.Release ? "released" : "at end"),-9} {options.Optimizer.Name,-18}");
            if (!plan.Contains(only, StringComparison.Ordinal)) continue;
            if (measuredFor != (options.Model.Name, options.Rows))
            {
                measuredFor = (options.Model.Name, options.Rows);
                (calibrated, rates) = AtSpeed(threads, measure);
            }

            Dictionary<string, double> measured = [];
            (double speed, StepProfile profile) = AtSpeed(threads, () => Measure(options, choices, threads, steps, measured));
            double predicted = profile.Plan.PredictedStepSeconds(rates), ratio = predicted / profile.StepSeconds, relative = speed / calibrated;
            ratios.Add(ratio);
            adjusted.Add(ratio / relative);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{plan} {1e3 * predicted,12:0.0} {1e3 * profile.StepSeconds,12:0.0} {ratio,6:0.00} {relative,6:0.00} {ratio / relative,18:0.00}"));
            if (explain) Explain(profile.Plan, rates, measured);
        }

        WriteSummary("as measured", ratios);
        WriteSummary("at the speed of the calibration", adjusted);
    }

    private static void WriteSummary(string what, List<double> ratios)
    {
        double[] sorted = [.. ratios.Order()];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what}: {sorted.Count(static r => r is >= 0.8 and <= 1.2)} of {sorted.Length} plans within 20 %; ratios {sorted[0]:0.00} to {sorted[^1]:0.00}, median {sorted[sorted.Length / 2]:0.00}"));
    }

    // A shared machine is by a third faster or slower within seconds. How fast it was during some work, one product tells before and after it.
    private static (double Flops, T Result) AtSpeed<T>(int threads, Func<T> work)
    {
        double before = Product();
        T result = work();
        return ((before + Product()) / 2, result);

        double Product()
        {
            using CpuDevice device = new(threads);
            return MachineMeasurement.MatrixProductFlops(device, 768, 768, 768, 15);
        }
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
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"    {kind,-86} {1e3 * seconds,10:0.00} {1e3 * measured.GetValueOrDefault(kind),10:0.00}{(rates.Measured.ContainsKey(kind) ? "" : "  never measured")}"));
    }

    private static StepProfile Measure(TrainingOptions options, MemoryChoices choices, int threads, int steps, Dictionary<string, double>? kinds = null)
    {
        steps = options.Model.Parameters > 50_000_000 ? 2 : steps;
        TimedDevice device = new(new CpuDevice(threads))
        {
            Observer = (node, seconds) => kinds?[CostModel.ClassOf(node)] = kinds.GetValueOrDefault(CostModel.ClassOf(node)) + (seconds / (steps + StepProfile.WarmUpSteps)),
        };
        return StepProfile.Measure(options with { Memory = ByteSize.Parse("1TiB") }, device, steps, choices);
    }

    // Every plan is run once, at the speed of the machine at that moment; whether the best of them beats the chosen one is decided in turn.
    private static void Choices(MachineRates rates, int threads, int steps)
    {
        TrainingOptions options = Of("tiny", 8, 128, new AdamW());
        using CpuDevice device = new(threads);
        List<(MemoryChoices Choices, long Bytes, double Work)> all = [];
        foreach (MemoryChoices choices in TrainingPlan.Arrangements(options, device, 300L << 20)) Add(choices);

        long least = all.Min(static a => a.Bytes), most = all.Max(static a => a.Bytes);
        Console.WriteLine($"{"budget MiB",11} {"chosen",-40} {"fastest of all that fit when each ran once",-44} {"time in turn",12}");
        foreach (double share in (double[])[0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1])
        {
            long budget = least + (long)(share * (most - least));
            MemoryChoices chosen = TrainingPlan.Create(options with { Memory = new ByteSize(budget) }, device, rates: rates).Choices;
            // The optimal schedule is made for a budget, so that one of another budget is a plan of its own.
            if (!all.Exists(a => a.Choices == chosen)) Add(chosen);
            MemoryChoices best = all.Where(a => a.Bytes <= budget).MinBy(static a => a.Work).Choices;
            double ratio = best == chosen ? 1 : InTurn(chosen, best);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{budget / 1048576.0,11:0.0} {Words(chosen),-40} {Words(best),-44} {ratio,12:0.000}"));
        }

        void Add(MemoryChoices choices)
        {
            TrainingPlan plan = TrainingPlan.Create(options with { Memory = ByteSize.Parse("1TiB") }, device, pinned: choices);
            (double speed, StepProfile profile) = AtSpeed(threads, () => Measure(options, choices, threads, steps));
            all.Add((choices, plan.PlannedPeakBytes, profile.StepSeconds * speed));
        }

        double InTurn(MemoryChoices chosen, MemoryChoices best)
        {
            double[] ratios = new double[5];
            for (int i = 0; i < ratios.Length; i++) ratios[i] = Measure(options, chosen, threads, steps).StepSeconds / Measure(options, best, threads, steps).StepSeconds;
            Array.Sort(ratios);
            return ratios[ratios.Length / 2];
        }

        static string Words(MemoryChoices c) => $"{c.MicroBatchRows} at once, {c.Recompute}, {(c.Release ? "released" : "at end")}";
    }
}
