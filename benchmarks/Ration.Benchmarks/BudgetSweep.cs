using System.Globalization;
using System.Text.Json;
using Ration.Memory;

namespace Ration.Benchmarks;

/// <summary>
/// Runs the tool at five budgets for each of some presets, from the smallest that fits upward, and compares what it planned with what the
/// operating system measured. One byte less than the smallest must be refused.
/// </summary>
internal static class BudgetSweep
{
    private static readonly (string Preset, int Batch, int Sequence, int Steps)[] s_jobs =
        [("nano", 768, 64, 20), ("tiny", 1024, 128, 4), ("small", 1024, 256, 2)];

    private static readonly double[] s_shares = [0, 0.1, 0.25, 0.5, 1];

    /// <summary>Runs the benchmark.</summary>
    /// <param name="arguments">The built tool, and a text file to train on.</param>
    /// <returns>0 if every budget held.</returns>
    public static int Run(string[] arguments)
    {
        if (arguments.Length != 2)
        {
            Console.Error.WriteLine("budgets TOOL TEXT: give the built ration command and a text file of at least 100 KB");
            return 2;
        }

        bool sound = true;
        RationTool tool = new(arguments[0]);
        Console.WriteLine($"{"preset",-8} {"budget",12} {"planned",12} {"measured",12} {"planned/measured",17} {"tokens/s",10}  arrangement");
        foreach ((string preset, int batch, int sequence, int steps) in s_jobs)
        {
            string[] job = ["--model", $"preset:{preset}", "--data", arguments[1], "--batch", $"{batch}", "--sequence", $"{sequence}", "--steps", $"{steps}", "--eval-tokens", "1024", "--json"];
            long smallest = tool.Run(["plan", .. job, "--memory", "1MiB"], 3).GetProperty("smallestBudgetBytes").GetInt64();
            long most = tool.Run(["plan", .. job, "--memory", "16GiB"], 0).GetProperty("plannedPeakBytes").GetInt64();
            _ = tool.Run(["train", .. job, "--memory", $"{smallest - 1}", "--output", Output()], 3);
            foreach (double share in s_shares)
            {
                long budget = smallest + (long)(share * (most - smallest));
                JsonElement result = tool.Run(["train", .. job, "--memory", $"{budget}", "--output", Output(), "--overwrite"], 0);
                sound &= Report(preset, budget, result);
            }
        }

        return sound ? 0 : 1;
    }

    private static bool Report(string preset, long budget, JsonElement result)
    {
        long planned = result.GetProperty("plannedPeakBytes").GetInt64(), measured = result.GetProperty("measuredPeakBytes").GetInt64();
        JsonElement choices = result.GetProperty("choices");
        string arrangement = $"{choices.GetProperty("microBatchRows")} rows, recompute {choices.GetProperty("recompute")}, "
            + $"{(choices.GetProperty("releaseGradients").GetBoolean() ? "released" : "kept")}";
        bool holds = measured <= budget && Math.Abs((double)planned / measured - 1) <= 0.05;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{preset,-8} {Mebibytes(budget),12} {Mebibytes(planned),12} {Mebibytes(measured),12} {(double)planned / measured,17:F3} "
            + $"{result.GetProperty("tokensPerSecond").GetDouble(),10:F0}  {arrangement}{(holds ? "" : "   <-- OVER")}"));
        return holds;
    }

    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / ByteSize.FromMebibytes(1).Bytes:F1} MiB");

    private static string Output() => Path.Combine(Path.GetTempPath(), $"ration-budgets-{Environment.ProcessId}");
}
