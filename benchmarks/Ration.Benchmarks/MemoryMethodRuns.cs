using System.Globalization;
using System.Text.Json;
using Ration.Training;

namespace Ration.Benchmarks;

/// <summary>
/// Trains <c>small</c> on real text for a few steps with each memory method, each in a process of its own, whose peak the operating system
/// counts. The machine's speed drifts, so that the unconstrained plan runs again after every eight methods, and shares are of its latest run.
/// </summary>
internal static class MemoryMethodRuns
{
    private const int Rows = 2, Sequence = 256, MethodsBetweenReferences = 8;
    private const string Plenty = "8GiB";

    /// <summary>
    /// Runs: TOOL TEXT [--steps N] [--only NAME,NAME] [--chart FILE.svg|FILE.html] [--runs FILE]. Runs that the last file holds are not repeated; new ones are added
    /// to it as they end.
    /// </summary>
    /// <returns>0 if every run came to its end, its budget held, and its peak was as planned, to 5 %.</returns>
    public static int Run(string[] arguments)
    {
        if (arguments.Length < 2 || !File.Exists(arguments[0]) || !File.Exists(arguments[1]))
        {
            Console.Error.WriteLine("methods TOOL TEXT: give the built ration command and a text file of at least 100 KB");
            return 2;
        }

        string only = Options.Text(arguments, "--only", ""), kept = Options.Text(arguments, "--runs", ""), chart = Options.Text(arguments, "--chart", "");
        Job job = new(new RationTool(arguments[0]), arguments[1], Options.Number(arguments, "--steps", 4));
        List<MemoryMethodRun> runs = kept.Length > 0 && File.Exists(kept) ? [.. File.ReadLines(kept).Select(static l => JsonSerializer.Deserialize<MemoryMethodRun>(l)!)] : [];
        MemoryMethodRun? reference = runs.LastOrDefault(static r => r.Name == MemoryMethod.Unconstrained.Name);
        int sinceReference = MethodsBetweenReferences;
        bool sound = true;
        Console.WriteLine("| method | options | planned, MiB | measured, MiB | tokens/s | of unconstrained | last loss |\n|---|---|---|---|---|---|---|");
        foreach (MemoryMethod method in MemoryMethod.All.Where(m => Selects(only, m.Name) || runs.Exists(r => r.Name == m.Name)))
        {
            if (runs.Find(r => r.Name == method.Name) is { } done)
            {
                Report(method, done);
                continue;
            }

            try
            {
                if (sinceReference++ >= MethodsBetweenReferences || reference is null) (reference, sinceReference) = (job.Train(MemoryMethod.Unconstrained, null), 1);
                Add(method, method == MemoryMethod.Unconstrained ? reference : job.Train(method, reference));
            }
            catch (InvalidOperationException failure)
            {
                Console.WriteLine($"| {method.Name} | {failure.Message} | | | | | |");
                sound = false;
            }
        }

        if (chart.Length > 0) WriteChart(chart, MemoryMethodChart.Draw([.. MemoryMethod.All.SelectMany(m => runs.Where(r => r.Name == m.Name).Select(r => (m, r)))], job.Title), job.Title);
        return sound && runs.TrueForAll(static r => r.Holds) ? 0 : 1;

        void Add(MemoryMethod method, MemoryMethodRun run)
        {
            runs.Add(run);
            if (kept.Length > 0) File.AppendAllText(kept, JsonSerializer.Serialize(run) + "\n");
            Report(method, run);
        }
    }

    // A picture, or a page with the picture in it.
    private static void WriteChart(string path, string picture, string title) => File.WriteAllText(path, path.EndsWith(".html", StringComparison.OrdinalIgnoreCase)
        ? $"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{PlanPage.Escape(title)}</title>\n{picture}</html>\n"
        : picture);

    private static bool Selects(string only, string name) => only.Length == 0 || only.Split(',').Any(part => name.Contains(part.Trim(), StringComparison.OrdinalIgnoreCase));

    private static void Report(MemoryMethod method, MemoryMethodRun run) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"| {method.Name} | {(method.Options.Length > 0 ? $"`{method.Options}`" : "")} | {run.PlannedBytes / 1048576.0:#,0} | "
        + $"{run.MeasuredBytes / 1048576.0:#,0}{(run.Holds ? "" : ", OVER")} | {run.TokensPerSecond:0} | {100 * run.Share:0.0} % | {run.Loss:0.000} |"));

    /// <summary>What all runs have in common.</summary>
    private sealed class Job(RationTool tool, string text, int steps)
    {
        private readonly string[] _options =
            ["--model", "preset:small", "--data", text, "--batch", $"{Rows * Sequence}", "--sequence", $"{Sequence}", "--steps", $"{steps}", "--eval-tokens", $"{Sequence}", "--json"];

        private readonly Dictionary<string, long> _least = [];
        private long _most;

        public string Title { get; } = $"small (125 million parameters), {Rows} rows of {Sequence} tokens, {Environment.ProcessorCount} threads";

        public MemoryMethodRun Train(MemoryMethod method, MemoryMethodRun? reference)
        {
            string output = Path.Combine(Path.GetTempPath(), $"ration-methods-{Environment.ProcessId}");
            string[] all = [.. _options, .. method.Options.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
            try
            {
                JsonElement result = tool.Run(["train", .. all, "--memory", Budget(method, all), "--output", output], 0);
                double speed = result.GetProperty("tokensPerSecond").GetDouble();
                return new MemoryMethodRun(
                    method.Name, result.GetProperty("budgetBytes").GetInt64(), result.GetProperty("plannedPeakBytes").GetInt64(), result.GetProperty("measuredPeakBytes").GetInt64(), speed,
                    speed / (reference?.TokensPerSecond ?? speed), result.GetProperty("trainLoss").GetDouble());
            }
            finally
            {
                if (Directory.Exists(output)) Directory.Delete(output, recursive: true);
            }
        }

        private string Budget(MemoryMethod method, string[] all)
        {
            if (method.Share is not { } share) return Plenty;
            if (_most == 0) _most = tool.Run(["plan", .. _options, "--memory", Plenty], 0).GetProperty("plannedPeakBytes").GetInt64();
            if (!_least.TryGetValue(method.Options, out long least)) _least[method.Options] = least = tool.Run(["plan", .. all, "--memory", "1MiB"], 3).GetProperty("smallestBudgetBytes").GetInt64();
            return $"{least + (long)(share * (_most - least))}";
        }
    }
}

/// <summary>What a run with a method came to.</summary>
/// <param name="Name">The method.</param>
/// <param name="BudgetBytes">What the process was given.</param>
/// <param name="PlannedBytes">Peak of the process as planned.</param>
/// <param name="MeasuredBytes">Peak of the process as the operating system counted it.</param>
/// <param name="TokensPerSecond">Median over steps, without the first.</param>
/// <param name="Share">The speed as a share of the unconstrained plan's latest.</param>
/// <param name="Loss">Training loss of the last step, in nats a token.</param>
internal sealed record MemoryMethodRun(string Name, long BudgetBytes, long PlannedBytes, long MeasuredBytes, double TokensPerSecond, double Share, double Loss)
{
    /// <summary>Whether the budget held and the peak was as planned, to 5 %.</summary>
    public bool Holds => MeasuredBytes <= BudgetBytes && Math.Abs(((double)PlannedBytes / MeasuredBytes) - 1) <= 0.05;
}
