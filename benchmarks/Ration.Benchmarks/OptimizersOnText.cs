using System.Diagnostics;
using System.Globalization;
using Ration.Data;
using Ration.Devices.Cpu;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Tokenizers;
using Ration.Training;

namespace Ration.Benchmarks;

/// <summary>
/// Held-out loss of each update rule after the same tokens of one text, 4 layers of 256 channels reading bytes, at that of some learning rates
/// which was best after a tenth of the tokens; with the bytes of its state and its speed. All runs see the same data in the same order.
/// </summary>
internal static class OptimizersOnText
{
    private const int Sequence = 128, BatchTokens = 2048, TokensToTune = 10;

    /// <summary>Runs: TEXT [--tokens N] [--only NAME,NAME] [--rates X,Y] [--threads N]; rates are multiples of each rule's default.</summary>
    public static int Run(string[] arguments)
    {
        if (arguments.Length == 0 || !File.Exists(arguments[0])) throw new InvalidInputException("give a text file");
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), tokens = Options.Number(arguments, "--tokens", 4_000_000);
        string[] only = Words(arguments, "--only", [.. OptimizerCatalog.All.Select(static o => o.Name)]);
        double[] factors = [.. Words(arguments, "--rates", ["0.33", "1", "3"]).Select(static w => double.Parse(w, CultureInfo.InvariantCulture))];
        using TokenStore store = TokenStore.Create(TextCorpus.Open(arguments[0]), new ByteTokenizer());
        Console.WriteLine($"{"rule",-20} {"rate",9} {"loss",8} {"state MiB",10} {"tokens/s",9}   losses after {tokens / TokensToTune:N0} tokens by rate");
        foreach (OptimizerEntry entry in OptimizerCatalog.All.Where(o => only.Contains(o.Name)))
        {
            (double Rate, double Loss, long State, double Speed) Run(double factor, int count) => Train(entry.Create(new OptimizerSettings { TokensPerStep = BatchTokens }), factor, count, threads, store);
            (double Factor, double Rate, double Loss)[] tried = factors.Length == 1 ? [] : [.. factors.Select(f => (f, Run(f, tokens / TokensToTune))).Select(static t => (t.f, t.Item2.Rate, t.Item2.Loss))];
            double best = tried.Length == 0 ? factors[0] : tried.MinBy(static t => double.IsFinite(t.Loss) ? t.Loss : double.MaxValue).Factor;
            (double rate, double loss, long state, double speed) = Run(best, tokens);
            string all = string.Join("  ", tried.Select(static t => string.Create(CultureInfo.InvariantCulture, $"{t.Rate:0.0e0}: {t.Loss:0.0000}")));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{entry.Name,-20} {rate,9:0.0e0} {loss,8:0.0000} {state / 1048576.0,10:0.00} {speed,9:0}   {all}"));
        }

        return 0;
    }

    private static (double Rate, double Loss, long State, double Speed) Train(IOptimizer optimizer, double factor, int tokens, int threads, TokenStore store)
    {
        ModelConfiguration model = Presets.Get("nano") with { Name = "text", Width = 256, HiddenWidth = 688, Layers = 4, Heads = 4, KvHeads = 4, HeadDimension = 64 };
        TrainingOptions options = new() { Model = model, Steps = Math.Max(1, tokens / BatchTokens), BatchTokens = BatchTokens, Sequence = Sequence, Optimizer = optimizer, Memory = ByteSize.Parse("4GiB") };
        options = options with { LearningRate = factor * options.PeakLearningRate };
        TrainingPlan plan = TrainingPlan.Create(options, new CpuDevice(threads), threads);
        using Trainer trainer = new(plan, new PackedBatches(store, Sequence, options.Seed));
        trainer.Initialize();
        long start = Stopwatch.GetTimestamp();
        double loss;
        try
        {
            for (long step = 0; step < options.Steps; step++) trainer.Step();
            loss = trainer.Evaluate(long.MaxValue).Loss;
        }
        catch (TrainingDivergedException)
        {
            loss = double.NaN;
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        long state = plan.Program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.OptimizerState).Sum(static v => v.Bytes);
        return (options.PeakLearningRate, loss, state, trainer.StepsDone * BatchTokens / seconds);
    }

    private static string[] Words(string[] arguments, string name, string[] otherwise)
    {
        int at = Array.IndexOf(arguments, name);
        return at < 0 || at + 1 >= arguments.Length ? otherwise : arguments[at + 1].Split(',');
    }
}
