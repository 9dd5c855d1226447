using System.Diagnostics;
using System.Globalization;
using Ration.Data;
using Ration.Devices.Cpu;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tokenizers;
using Ration.Training;

namespace Ration.Benchmarks;

/// <summary>
/// Held-out loss of each update rule after the same tokens of one text, 4 layers of 256 channels reading bytes, at that of some learning rates
/// which was best after a tenth of the tokens, of the higher ones too where the highest was; with the bytes of its state and its speed. Then of AdamW at its default rate with each method that
/// changes numbers. All runs see the same data in the same order.
/// </summary>
internal static class MethodsOnText
{
    private const int Sequence = 128, BatchTokens = 2048, TokensToTune = 10, HigherRates = 2, HigherBy = 3;

    // Of GaLore's rate and its kin's, the multiple that was best.
    private const double LowRankFactor = 3;

    // What is done to AdamW's options, and multiples of the default rate.
    private static readonly (string Name, double Factor, Func<TrainingOptions, TrainingOptions> Apply)[] s_methods =
    [
        ("--state bf16", 1, static o => o with { State = StateFormat.BF16 }),
        ("--state 8bit", 1, static o => o with { State = StateFormat.EightBit }),
        ("--state 4bit", 1, static o => o with { State = StateFormat.FourBit }),
        ("--state fp8", 1, static o => o with { State = StateFormat.Float8 }),
        ("--weights bf16", 1, static o => o with { Weights = WeightFormat.BF16 }),
        ("--weights bf16-kahan", 1, static o => o with { Weights = WeightFormat.CompensatedBF16 }),
        ("--weights int8", 1, static o => o with { Weights = WeightFormat.Int8 }),
        ("--products int8", 1, static o => o with { Products = ProductFormat.Int8 }),
        .. ActivationMethods.All.Where(static m => m.Quality != MethodQuality.Exact && m.Name != "approx-bp")
            .Select(static m => ($"--activations {m.Name}", 1.0, (Func<TrainingOptions, TrainingOptions>)(o => o with { Activations = m }))),
        ("--loss cut-filtered", 1, static o => o with { Loss = new LossOptions { Method = LossMethod.Filtered } }),
        ("--loss sampled", 1, static o => o with { Loss = new LossOptions { Method = LossMethod.Sampled } }),
        ("galore --state 8bit", LowRankFactor, static o => o with { Optimizer = Rule("galore"), State = StateFormat.EightBit }),
        ("q-galore --state 8bit --weights int8", LowRankFactor, static o => o with { Optimizer = Rule("q-galore"), State = StateFormat.EightBit, Weights = WeightFormat.Int8 }),
        ("ungated", 1, Ungated),
        ("ungated --activations approx-bp", 1, static o => Ungated(o) with { Activations = ActivationMethods.All.Single(static m => m.Name == "approx-bp") }),
    ];

    /// <summary>Runs: TEXT [--tokens N] [--only NAME,NAME] [--rates X,Y] [--threads N]; rates are multiples of each rule's default.</summary>
    public static int Run(string[] arguments)
    {
        if (arguments.Length == 0 || !File.Exists(arguments[0])) throw new InvalidInputException("give a text file");
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), tokens = Options.Number(arguments, "--tokens", 4_000_000);
        string[] only = Words(arguments, "--only", []);
        double[] factors = [.. Words(arguments, "--rates", ["0.33", "1", "3"]).Select(static w => double.Parse(w, CultureInfo.InvariantCulture))];
        using TokenStore store = TokenStore.Create(TextCorpus.Open(arguments[0]), new ByteTokenizer());
        Console.WriteLine($"{"rule or method",-36} {"rate",9} {"loss",8} {"state MiB",10} {"tokens/s",9}   losses after {tokens / TokensToTune:N0} tokens by rate");
        foreach (OptimizerEntry entry in OptimizerCatalog.All.Where(o => IsWanted(o.Name)))
        {
            TrainingOptions options = OptionsOf(Rule(entry.Name), threads);
            List<Outcome> tried = factors.Length == 1 ? [] : Tune(options, factors, tokens / TokensToTune, store);
            Outcome? best = Best(tried);
            Report(entry.Name, Train(options, best?.Factor ?? factors[0], tokens, store), tried);
        }

        foreach ((string name, double factor, Func<TrainingOptions, TrainingOptions> apply) in s_methods.Where(m => IsWanted(m.Name)))
            Report(name, Train(apply(OptionsOf(new AdamW(), threads)), factor, tokens, store), []);
        return 0;

        bool IsWanted(string name) => only.Length == 0 || only.Contains(name);
    }

    private static IOptimizer Rule(string name) =>
        OptimizerCatalog.All.Single(o => o.Name == name).Create(new OptimizerSettings { TokensPerStep = BatchTokens });

    // As many weights in an MLP of GELU, which a method of activation functions without a gate is for.
    private static TrainingOptions Ungated(TrainingOptions options) =>
        options with { Model = options.Model with { GatedMlp = false, Activation = MlpActivation.Gelu, HiddenWidth = options.Model.HiddenWidth * 3 / 2 } };

    private static Outcome? Best(List<Outcome> tried) => tried.Where(static t => double.IsFinite(t.Loss)).MinBy(static t => t.Loss);

    // Where the highest rate is the best, higher ones are tried too.
    private static List<Outcome> Tune(TrainingOptions options, double[] factors, int tokens, TokenStore store)
    {
        List<Outcome> tried = [.. factors.Select(f => Train(options, f, tokens, store))];
        while (tried.Count < factors.Length + HigherRates && Best(tried) == tried[^1]) tried.Add(Train(options, tried[^1].Factor * HigherBy, tokens, store));
        return tried;
    }

    private static void Report(string name, Outcome outcome, List<Outcome> tried)
    {
        string all = string.Join("  ", tried.Select(static t => string.Create(CultureInfo.InvariantCulture, $"{t.Rate:0.0e0}: {t.Loss:0.0000}")));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-36} {outcome.Rate,9:0.0e0} {outcome.Loss,8:0.0000} {outcome.StateBytes / 1048576.0,10:0.00} {outcome.TokensPerSecond,9:0}   {all}"));
    }

    private static TrainingOptions OptionsOf(IOptimizer optimizer, int threads)
    {
        ModelConfiguration model = Presets.Get("nano") with { Name = "text", Width = 256, HiddenWidth = 688, Layers = 4, Heads = 4, KvHeads = 4, HeadDimension = 64 };
        return new TrainingOptions { Model = model, BatchTokens = BatchTokens, Sequence = Sequence, Optimizer = optimizer, Memory = ByteSize.Parse("4GiB"), Threads = threads };
    }

    private static Outcome Train(TrainingOptions options, double factor, int tokens, TokenStore store)
    {
        options = options with { Steps = Math.Max(1, tokens / BatchTokens), LearningRate = factor * options.PeakLearningRate };
        TrainingPlan plan = TrainingPlan.Create(options, new CpuDevice(options.Threads));
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
        return new Outcome(factor, options.PeakLearningRate, loss, state, trainer.StepsDone * BatchTokens / seconds);
    }

    private static string[] Words(string[] arguments, string name, string[] otherwise)
    {
        int at = Array.IndexOf(arguments, name);
        return at < 0 || at + 1 >= arguments.Length ? otherwise : arguments[at + 1].Split(',');
    }

    private sealed record Outcome(double Factor, double Rate, double Loss, long StateBytes, double TokensPerSecond);
}
