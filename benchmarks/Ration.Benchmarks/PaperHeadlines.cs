using System.Globalization;
using Ration.Devices.Cpu;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Training;

namespace Ration.Benchmarks;

/// <summary>
/// What papers say of their methods beside the bytes that a plan of the same method has, most for the shape of Llama 2 7B. Nothing is run: a
/// plan needs no memory for tensors, and its bytes are those of the run.
/// </summary>
internal static class PaperHeadlines
{
    private static readonly ModelConfiguration s_llama = Presets.Get("llama-2-7b");
    private static readonly CpuDevice s_device = new(2);

    /// <summary>Prints the table as Markdown.</summary>
    public static int Run(string[] arguments)
    {
        Console.WriteLine("| method | of what | the paper's figure | a plan's | bytes |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (Headline headline in States().Concat(Totals()).Concat(Activations()))
        {
            if (arguments.Length > 0 && !headline.Method.Contains(arguments[0], StringComparison.OrdinalIgnoreCase)) continue;
            (string figure, string bytes) = headline.Compute();
            Console.WriteLine($"| {headline.Method} | {headline.Of} | {headline.Paper} | {figure} | {bytes} |");
        }

        return 0;
    }

    // Optimizer state alone; the papers count BF16 numbers unless they say 8 bits.
    private static IEnumerable<Headline> States()
    {
        Step adam = new(s_llama) { State = StateFormat.BF16 };
        Step galore = adam with { Rule = "galore", Rank = 1024 };
        yield return Saving("GaLore, rank 1024", "optimizer state", "−65.5 %", () => State(adam), () => State(galore));
        yield return Saving("8-bit GaLore, rank 1024", "optimizer state", "−82.5 %", () => State(adam), () => State(galore with { State = StateFormat.EightBit }));
        yield return Ratio("APOLLO-Mini", "optimizer state against SGD's momentum", "about SGD's", () => State(adam with { Rule = "sgd" }), () => State(adam with { Rule = "apollo-mini" }));
        yield return Saving("SGD-SaI", "optimizer state", "−50 %", () => State(adam with { State = StateFormat.F32 }), () => State(adam with { Rule = "sgd-sai", State = StateFormat.F32 }));
    }

    // The whole arena of a step; token batches as in the papers.
    private static IEnumerable<Headline> Totals()
    {
        Step plain = new(s_llama) { Sequence = 256, Weights = WeightFormat.BF16, State = StateFormat.BF16, Release = false };
        Step galore = plain with { Rule = "galore", Rank = 1024, State = StateFormat.EightBit, Release = true };
        yield return Saving("8-bit GaLore, released gradients, 256 tokens", "all memory against BF16 AdamW", "−63.3 %", () => Arena(plain), () => Arena(galore));
        yield return Size("8-bit GaLore, 7B", "all memory", "24 GB", () => Arena(galore));
        yield return Size("Q-GaLore, 7B: GaLore with weights in INT8", "all memory", "16 GB", () => Arena(galore with { Weights = WeightFormat.Int8 }));
        yield return Size("APOLLO-Mini with INT8 weights, 7B", "all memory", "under 12 GB", () => Arena(galore with { Rule = "apollo-mini", Weights = WeightFormat.Int8 }));
        Step standard = new(s_llama) { Sequence = 1024, Release = false };
        yield return Share("LOMO, BF16 weights, 1,024 tokens", "all memory against AdamW in F32", "10.8 %", () => Arena(standard), () => Arena(standard with { Rule = "lomo", Weights = WeightFormat.BF16, Release = true, Recompute = RecomputeMode.Blocks }));
        Step wide = plain with { Sequence = 2048 };
        yield return Times("COAT: FP8 state, 8-bit activations, 2,048 tokens", "all memory against BF16", "1.54 times", () => Arena(wide with { Activations = "bf16" }), () => Arena(wide with { State = StateFormat.Float8, Activations = "mesa" }));
        Step long8 = new(Presets.Get("llama-3.1-8b")) { Sequence = 500_000, Weights = WeightFormat.BF16, Rule = "lomo", Release = true, Recompute = RecomputeMode.Blocks, Tiles = 123, Activations = "bf16" };
        yield return Size("ALST: 500,000 tokens of an 8B in one row", "all memory", "80 GB", () => Arena(long8));
    }

    private static IEnumerable<Headline> Activations()
    {
        Step rows = new(s_llama) { Sequence = 2048, Rows = 4, Release = true };
        yield return Saving("Mesa", "activations", "−50 %", () => Kept(rows), () => Kept(rows with { Activations = "mesa" }));
        yield return Saving("CompAct, a quarter", "all memory but optimizer state", "−25 to −30 %", () => Arena(rows with { Rule = "sgd-plain" }), () => Arena(rows with { Rule = "sgd-plain", Activations = "compact" }));
        yield return Times("WTA-CRS, three tenths", "activations", "2.7 times", () => Kept(rows), () => Kept(rows with { Activations = "wta-crs" }));
        Step gelu = rows with { Model = Gelu() };
        yield return Saving("Approximate backpropagation, GELU", "activations", "−30 %", () => Kept(gelu), () => Kept(gelu with { Activations = "approx-bp" }));
        Step deep = new(s_llama with { Name = "1,000 layers", Width = 512, HiddenWidth = 1376, Heads = 8, KvHeads = 8, HeadDimension = 64, Layers = 1000 }) { Sequence = 256, Rows = 4, Release = true, Rule = "sgd-plain" };
        yield return Times("recompute, √n, 1,000 layers", "activations", "48 to 7: 6.9 times", () => Kept(deep), () => Kept(deep with { Recompute = RecomputeMode.SquareRoot }));
    }

    // The same size with a GELU that has no gate, as GPT-2 has.
    private static ModelConfiguration Gelu() => s_llama with { Name = "gelu", GatedMlp = false, HiddenWidth = 16_384, Activation = MlpActivation.GeluTanh };

    private static Headline Saving(string method, string of, string paper, Func<long> baseline, Func<long> ours) => Of(method, of, paper, baseline, ours, static (a, b) => $"−{100 * (1 - (b / a)):0.0} %");

    private static Headline Share(string method, string of, string paper, Func<long> baseline, Func<long> ours) => Of(method, of, paper, baseline, ours, static (a, b) => $"{100 * b / a:0.0} %");

    private static Headline Times(string method, string of, string paper, Func<long> baseline, Func<long> ours) => Of(method, of, paper, baseline, ours, static (a, b) => $"{a / b:0.00} times");

    private static Headline Ratio(string method, string of, string paper, Func<long> baseline, Func<long> ours) => Of(method, of, paper, baseline, ours, static (a, b) => $"{b / a:0.000} of it");

    private static Headline Size(string method, string of, string paper, Func<long> ours) => new(method, of, paper, () => (string.Create(CultureInfo.InvariantCulture, $"{ours() / 1e9:0.0} GB"), ""));

    private static Headline Of(string method, string of, string paper, Func<long> baseline, Func<long> ours, Func<double, double, FormattableString> figure) => new(method, of, paper, () =>
    {
        (long before, long after) = (baseline(), ours());
        return (figure(before, after).ToString(CultureInfo.InvariantCulture), $"{new ByteSize(before)} → {new ByteSize(after)}");
    });

    private static long State(Step step) => step.Compile().Layout.Values.Where(static v => v.Value.Kind == MemoryKind.OptimizerState).Sum(static v => v.Value.Bytes);

    private static long Arena(Step step) => step.Compile().ArenaBytes;

    private static long Kept(Step step)
    {
        MemoryTimeline timeline = step.Compile().Timeline;
        return Enumerable.Range(0, timeline.Instructions).Max(i => timeline[i, MemoryKind.Activations]);
    }

    private sealed record Headline(string Method, string Of, string Paper, Func<(string Figure, string Bytes)> Compute);

    private sealed record Step(ModelConfiguration Model)
    {
        public string Rule { get; init; } = "adamw";

        public int? Rank { get; init; }

        public int Sequence { get; init; } = 256;

        public int Rows { get; init; } = 1;

        public StateFormat State { get; init; }

        public WeightFormat Weights { get; init; }

        public string Activations { get; init; } = "f32";

        public RecomputeMode Recompute { get; init; }

        public bool Release { get; init; }

        public int Tiles { get; init; } = 1;

        public StepProgram Compile()
        {
            TrainingStep step = new(Model with { Context = Math.Max(Model.Context, Sequence) }, Rows, Sequence, OptimizerCatalog.Create(Rule, new OptimizerSettings { Rank = Rank, TokensPerStep = Rows * Sequence })) { State = State, Weights = Weights };
            RecomputeChoice recompute = Recompute == RecomputeMode.Blocks ? new RecomputeChoice(Recompute, Model.Layers) : new RecomputeChoice(Recompute);
            MemoryChoices choices = new(Rows, recompute, Release) { Activations = ActivationMethods.Parse(Activations), MlpTiles = Tiles };
            return StepProgram.Compile(TrainingGraph.Build(step, choices).Graph, s_device);
        }
    }
}
