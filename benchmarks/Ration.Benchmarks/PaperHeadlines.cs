using System.Globalization;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Training;

namespace Ration.Benchmarks;

/// <summary>
/// What papers say of their methods beside the bytes that a plan of the same method has, and why the two differ. Nothing is run: a plan needs no
/// memory for tensors, and its bytes are those of the run.
/// </summary>
internal static class PaperHeadlines
{
    private static readonly ModelConfiguration s_llama = Presets.Get("llama-2-7b");
    private static readonly ModelConfiguration s_bert = s_llama with
    {
        Name = "bert-base",
        Vocabulary = 30_522,
        Width = 768,
        HiddenWidth = 3072,
        Layers = 12,
        Heads = 12,
        KvHeads = 12,
        HeadDimension = 64,
        GatedMlp = false,
        Activation = MlpActivation.Gelu,
        Norm = NormKind.Layer,
        MlpBiases = true,
        QueryKeyValueBiases = true,
        AttentionOutputBias = true,
        TiedEmbeddings = true
    };

    // BF16 throughout as in the papers on low-rank rules, one row of 256 tokens, everything kept.
    private static readonly HeadlinePlan s_pretraining = new(s_llama) { Weights = WeightFormat.BF16, State = StateFormat.BF16 };

    private static readonly HeadlinePlan s_galore = s_pretraining with { Rule = "galore", Rank = 1024 };

    private static readonly HeadlinePlan s_galore8 = s_galore with { State = StateFormat.EightBit, Release = true };

    private static readonly HeadlinePlan s_rows = new(s_llama) { Sequence = 2048, Rows = 4, Release = true };

    /// <summary>Prints the table as Markdown.</summary>
    public static int Run(string[] arguments)
    {
        Console.WriteLine("| method | paper's headline | paper's setup | Ration's plan | reason |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (Headline headline in (Headline[])[.. States(), .. Totals(), .. Activations(), Loss()])
        {
            if (arguments.Length > 0 && !headline.Method.Contains(arguments[0], StringComparison.OrdinalIgnoreCase)) continue;
            Console.WriteLine($"| {headline.Method} | {headline.Paper} | {headline.Setup} | {headline.Plan()} | {headline.Reason} |");
        }

        return 0;
    }

    private static IEnumerable<Headline> States()
    {
        yield return new("GaLore", "−65.5 % of optimizer state", "Llama 7B, rank 1,024, state in BF16",
            () => Saving(s_pretraining.StateBytes(), s_galore.StateBytes()),
            "the same numbers are stored; the paper does not say how it counts the embedding and the head, which AdamW updates");
        yield return new("8-bit GaLore", "−82.5 % of optimizer state", "the same, in 8 bits against BF16",
            () => Saving(s_pretraining.StateBytes(), s_galore8.StateBytes()) + "; with the 4-bit basis of `q-galore` " + Saving(s_pretraining.StateBytes(),
                (s_galore8 with { Rule = "q-galore" }).StateBytes()),
            "the figure is half of the row above, so that bases are counted in 8 bits too; here products read a basis in BF16, and the embedding's state stays F32, as Dettmers et al. 2022 advise");
        HeadlinePlan normalized = s_galore8 with { Rule = "grad-norm-lorp" };
        yield return new("8-bit GradNormLoRP", "up to −89.5 % of optimizer memory", "Llama 7B in 8 bits; the rank of the figure is not known, in the authors' command it is 1,024",
            () => string.Join("; ", ((int[])[1024, 512, 256]).Select(rank => $"rank {rank:N0} {Saving(s_pretraining.StateBytes(), (normalized with { Rank = rank }).StateBytes())}")),
            "GaLore's state and three numbers a row; the rest is AdamW's state of embedding and head and bases in BF16, as above");
        yield return new("APOLLO-Mini", "SGD's memory: 0.0 GB of optimizer state", "Llama 7B, rank 1, state in BF16",
            () => $"{new ByteSize((s_pretraining with { Rule = "apollo-mini" }).StateBytes("model.layers."))} of the blocks' matrices, "
                + $"{new ByteSize((s_pretraining with { Rule = "apollo-mini" }).StateBytes())} in all; AdamW {new ByteSize(s_pretraining.StateBytes())}",
            "the rest is AdamW's state of embedding and head, which the paper updates so too and does not count");
        HeadlinePlan full = new(s_llama);
        yield return new("SGD-SaI", "half of AdamW's state: 25.15 GB less", "Llama 2 7B, state in F32",
            () => Saving(full.StateBytes(), (full with { Rule = "sgd-sai" }).StateBytes()), "as in the paper; its GB are GiB");
    }

    private static IEnumerable<Headline> Totals()
    {
        yield return new("8-bit GaLore, updates by layer", "−63.3 % of all memory", "Llama 7B, 256 tokens; BF16 AdamW takes 58 GB: 14 of weights, 42 of state and gradients, 2 of activations",
            () => Saving(s_pretraining.ArenaBytes, s_galore8.ArenaBytes) + $"; against the paper's 58 GB −{Percent(1 - (s_galore8.ArenaBytes / 58e9))}",
            "the plan's baseline is larger because gradients are F32 where the paper has BF16; against the paper's own the saving is less, mostly by what 8-bit state is larger (above)");
        yield return new("8-bit GaLore, updates by layer", "7B in 24 GB", "256 tokens without recomputation; the authors' command has 16 rows of 256 with it: 22.8 GB",
            () => $"{Gigabytes(s_galore8)}; 16 rows recomputed by blocks {Gigabytes(s_galore8 with { Rows = 16, Recompute = RecomputeMode.Blocks })}, "
                + $"and with activations in BF16 {Gigabytes(s_galore8 with { Rows = 16, Recompute = RecomputeMode.Blocks, Activations = "bf16" })}",
            "activations are computed in F32 where the paper has BF16");
        HeadlinePlan quantized = s_galore8 with { Rule = "q-galore", Weights = WeightFormat.Int8 };
        yield return new("Q-GaLore", "7B in 16 GB", "weights in INT8, basis in INT4, 8-bit Adam, updates by layer; the batch is not known, here 256 tokens",
            () => Gigabytes(quantized), "as in the paper");
        yield return new("APOLLO-Mini with INT8 weights", "7B in less than 12 GB", "updates by layer; the batch is not known, here 256 tokens",
            () => $"{Gigabytes(quantized with { Rule = "apollo-mini", State = StateFormat.BF16 })}; with state in 8 bits {Gigabytes(quantized with { Rule = "apollo-mini" })}",
            "as in the paper");
        HeadlinePlan standard = new(s_llama) { Sequence = 1024 };
        HeadlinePlan lomo = standard with { Rule = "lomo", Weights = WeightFormat.BF16, Release = true, Recompute = RecomputeMode.Blocks };
        yield return new("LOMO", "10.8 % of the standard setup", "Llama 7B, 1,024 tokens; 13.61 GB on one GPU against eight times 15.76 GB with ZeRO-3",
            () => $"{Percent((double)lomo.ArenaBytes / standard.ArenaBytes)}: {new ByteSize(standard.ArenaBytes)} → {new ByteSize(lomo.ArenaBytes)}; "
                + $"{Percent(lomo.ArenaBytes / (8 * 15.76 * (1L << 30)))} of the paper's eight GPUs",
            "the same memory with LOMO; the standard setup is 16 bytes a parameter in both, and in the paper activations and buffers on each of eight GPUs besides");
        HeadlinePlan bf16 = new(s_llama) { Sequence = 2048, Rows = 8, Activations = "bf16" };
        yield return new("COAT", "1.54 times less: 55.1 → 35.6 GB a GPU", "Llama 2 7B in shards on four GPUs; from F32 state and BF16 activations to FP8 of both; 2 rows of 2,048 a GPU here",
            () => Times(bf16.ArenaBytes, (bf16 with { State = StateFormat.Float8, Activations = "mesa" }).ArenaBytes),
            "one process holds what four share; activations wait in 8 bits, all of them, by Mesa, where the paper leaves those of attention in 16");
        HeadlinePlan rows = new(Presets.Get("llama-3.1-8b"))
        {
            Sequence = 500_000,
            Weights = WeightFormat.BF16,
            Rule = "lomo",
            Release = true,
            Recompute = RecomputeMode.Blocks,
            Tiles = 123,
            Activations = "bf16"
        };
        long inputs = (long)rows.Sequence * rows.Model.Width * sizeof(ushort) * rows.Model.Layers;
        yield return new("ALST", "500,000 tokens of an 8B on 80 GB", "one GPU; weights, state and the inputs of blocks wait in the memory of the host, which is not counted",
            () => $"{Gigabytes(rows)}; without weights and inputs of blocks {Gigabytes(rows.ArenaBytes - rows.WeightBytes - inputs)}",
            "here there is one memory, so that what the paper moves to the host counts");
    }

    private static IEnumerable<Headline> Activations()
    {
        HeadlinePlan half = s_rows with { Activations = "bf16" }, mesa = s_rows with { Activations = "mesa" };
        yield return new("Mesa", "−50 % of memory", "DeiT and Swin in mixed precision, so that 16 bits become 8",
            () => $"activations against BF16 {Saving(half.ActivationBytes, mesa.ActivationBytes)}; against F32 {Saving(s_rows.ActivationBytes, mesa.ActivationBytes)}",
            "8 bits and two floats a group of channels, as in the paper; what the step works on at the moment is F32");
        ModelConfiguration llama1B = s_llama with { Name = "llama-1b", Width = 2048, HiddenWidth = 5461, Layers = 24, HeadDimension = 64 };
        HeadlinePlan adam = new(llama1B) { Rows = 16, Weights = WeightFormat.BF16, State = StateFormat.BF16 };
        HeadlinePlan compact = adam with { Activations = "compact", Rule = "apollo", Rank = 512 };
        yield return new("CompAct, a quarter", "−25 to −30 % of the peak in pre-training",
            "Llama of 60 M to 1 B, BF16, state of the projection's rank too; the batch is not known, here 1 B and 16 rows of 256",
            () => $"{Saving(adam.ArenaBytes, compact.ArenaBytes)} with `apollo`'s state of that rank; activations {Saving(adam.ActivationBytes, compact.ActivationBytes)}",
            "of a block with a gate linear layers' inputs are the smaller part of what is kept; activations are F32, "
            + "gradients are brought back to full size. The −50 % in fine-tuning are of RoBERTa, an encoder, which is not opened here");
        yield return new("WTA-CRS, three tenths", "2.7 times less", "T5 fine-tuned on GLUE with LoRA beside it, k three tenths of the tokens; whole peak",
            () => "activations " + Times(s_rows.ActivationBytes, (s_rows with { Activations = "wta-crs" }).ActivationBytes),
            "the paper's figure has LoRA's saving of state and gradients in it; here the factors of the gate and the inputs of norms and attention stay whole");
        ModelConfiguration gelu = s_llama with { Name = "gelu", GatedMlp = false, HiddenWidth = 16_384, Activation = MlpActivation.GeluTanh };
        HeadlinePlan plain = s_rows with { Model = gelu };
        yield return new("Approx-BP", "−30 % of the peak", "ViT and Llama fine-tuned with LoRA, 16 bits; norms that share memory with the next layer too",
            () => $"activations {Saving(plain.ActivationBytes, (plain with { Activations = "approx-bp" }).ActivationBytes)}; "
                + $"exact cheap recompute {Saving(plain.ActivationBytes, (plain with { Recompute = RecomputeMode.Blocks, RecomputesCheap = true }).ActivationBytes)}",
            "GELU alone: shared norms are a method of their own (`ms-bp`), and cheap recompute saves both and changes no number");
        HeadlinePlan tuned = new(s_bert) { Sequence = 128, Rows = 32 };
        HeadlinePlan slim = tuned with { Optimizer = new SlimFit(0.95), Release = true, Activations = "slimfit" };
        yield return new("SlimFit", "2.2 times less of all memory on average",
            "BERT-base and ViT-base fine-tuned with Adam in F32, up to 95 % of the layers frozen; here 95 %, 32 rows of 128 tokens as in the authors' command for MRPC, and a decoder of BERT's sizes",
            () => $"{Times(tuned.ArenaBytes, slim.ArenaBytes)}; activations {Times(tuned.ActivationBytes, slim.ActivationBytes)}, "
                + $"slots alone {Times(tuned.ActivationBytes, (slim with { Activations = "f32" }).ActivationBytes)}, "
                + $"with `mesa` {Times(tuned.ActivationBytes, (slim with { Activations = "mesa" }).ActivationBytes)}, "
                + $"with `mesa` and cheap recompute {Times(tuned.ActivationBytes, (slim with { Activations = "mesa", Recompute = RecomputeMode.Blocks, RecomputesCheap = true }).ActivationBytes)}",
            "weights and both moments of all layers stay, in the paper as here; in the paper without SlimFit attention keeps its scores, which no plan does, so that there is less to save");
        HeadlinePlan deep = new(s_llama with
        {
            Name = "1,000 layers",
            Width = 512,
            HiddenWidth = 1376,
            Heads = 8,
            KvHeads = 8,
            HeadDimension = 64,
            Layers = 1000
        })
        { Rows = 4, Release = true, Rule = "sgd-plain" };
        yield return new("recompute, √n", "48 → 7 GB: 6.9 times less", "a residual network of 1,000 layers; here 1,000 blocks of a transformer, 512 wide, 4 rows of 256",
            () => "activations " + Times(deep.ActivationBytes, (deep with { Recompute = RecomputeMode.SquareRoot }).ActivationBytes),
            "forgetting all of a block but its input saves much before any block is skipped: a transformer's keeps many times its input");
    }

    private static Headline Loss() => new("Cut cross-entropy", "24 GB → 1 MB for the loss", "Gemma 2 2B: 8,192 tokens, 256,000 classes, BF16 with logits in F32",
        () => $"{new ByteSize(LossMethodComparison.GemmaLossBytes(new LossOptions { Method = LossMethod.Full }))} → {new ByteSize(LossMethodComparison.GemmaLossBytes(new LossOptions()))}",
        "full logits are held once, in the paper three times; the rest is a block of logits and packed panels, which a GPU has in memory on the chip, where the paper does not count it");

    private static string Saving(long before, long after) =>
        string.Create(CultureInfo.InvariantCulture, $"−{100 * (1 - ((double)after / before)):0.0} % ({new ByteSize(before)} → {new ByteSize(after)})");

    private static string Times(long before, long after) => string.Create(CultureInfo.InvariantCulture, $"{(double)before / after:0.00} times less ({new ByteSize(before)} → {new ByteSize(after)})");

    private static string Gigabytes(HeadlinePlan plan) => Gigabytes(plan.ArenaBytes);

    private static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB");

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} %");

    private sealed record Headline(string Method, string Paper, string Setup, Func<string> Plan, string Reason);
}
