using Ration.Devices.Cpu;
using Ration.Inference;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Tensors;

namespace Ration.Tests.Inference;

/// <summary>A generation is arranged within its budget: what costs least gives way first, and what is named stays.</summary>
public sealed class GenerationPlanTests
{
    // Large enough that weights, cache and a chunk's activations each matter beside what every process needs.
    private static readonly ModelConfiguration s_model = SmallModels.Model(headDimension: 64) with { Vocabulary = 8000, Width = 512, HiddenWidth = 1024, Layers = 8, KvHeads = 4 };

    private static GenerationOptions Options => new() { Model = s_model, PromptTokens = 600, MaxTokens = 15_000, Quality = GenerationQuality.Any };

    [Fact]
    public void Chunk_then_cache_then_weights_give_way_and_last_weights_stay_in_the_files()
    {
        List<GenerationChoices> seen = [];
        GenerationPlan roomy = Plan(Options with { Memory = new ByteSize(4L << 30) });
        Assert.Equal(new GenerationChoices(512, DType.F16, null, 15_600), roomy.Choices);
        for (long budget = roomy.PlannedPeakBytes; ; budget -= 2 << 20)
        {
            try
            {
                GenerationPlan plan = Plan(Options with { Memory = new ByteSize(budget) });
                Assert.True(plan.PlannedPeakBytes <= budget);
                if (seen.Count == 0 || seen[^1] != plan.Choices) seen.Add(plan.Choices);
            }
            catch (MemoryBudgetException)
            {
                break;
            }
        }

        Assert.Equal(DType.Q4_0, seen.Last(static c => c.StreamedBlocks == 0).WeightType);
        Assert.Equal((8, DType.Q4_0), (seen[^1].StreamedBlocks, seen[^1].WeightType));
        Assert.True(seen.Count >= 5, string.Join("; ", seen));
        for (int i = 1; i < seen.Count; i++)
        {
            (int Streamed, int Weights, int Cache, int Chunk) before = Rank(seen[i - 1]), after = Rank(seen[i]);
            Assert.True(before.CompareTo(after) < 0, $"{seen[i - 1]} was followed by {seen[i]}");
        }

        static (int, int, int, int) Rank(GenerationChoices c) => (c.StreamedBlocks, c.WeightType switch { null => 0, DType.Q8_0 => 1, _ => 2 }, c.CacheType == DType.F16 ? 0 : 1, -c.Chunk);
    }

    [Fact]
    public void A_refusal_does_not_name_a_storage_that_saves_nothing()
    {
        GenerationOptions options = Options with { Memory = ByteSize.FromMebibytes(1), Quality = GenerationQuality.High };
        Assert.Contains("weights in Q8_0", Assert.Throws<MemoryBudgetException>(() => Plan(options)).Message, StringComparison.Ordinal);
        static DType Stored(string name, Shape shape) => shape.Rank >= 2 ? DType.Q4_0 : DType.F32;
        Assert.DoesNotContain("weights in", Assert.Throws<MemoryBudgetException>(() => Plan(options with { StoredType = Stored })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_names_the_smallest_budget_and_it_is_exact()
    {
        MemoryBudgetException refusal = Assert.Throws<MemoryBudgetException>(() => Plan(Options with { Memory = ByteSize.FromMebibytes(1), Quality = GenerationQuality.Exact }));
        GenerationOptions exact = Options with { Quality = GenerationQuality.Exact };
        Assert.Equal(DType.F16, Plan(exact with { Memory = refusal.Smallest }).Choices.CacheType);
        Assert.Throws<MemoryBudgetException>(() => Plan(exact with { Memory = new ByteSize(refusal.Smallest.Bytes - 4096) }));
        Assert.Contains("fewer --max-tokens", refusal.Message, StringComparison.Ordinal);
        long any = Assert.Throws<MemoryBudgetException>(() => Plan(Options with { Memory = ByteSize.FromMebibytes(1) })).Smallest.Bytes;
        Assert.True(any < refusal.Smallest.Bytes);
        string hint = Assert.Throws<MemoryBudgetException>(() => Plan(exact with { Memory = new ByteSize(any) })).Message;
        Assert.Contains("--quality any would fit, with weights in Q4_0, those of all blocks read from the files, and keys and values in Q8_0", hint, StringComparison.Ordinal);
    }

    [Fact]
    public void The_named_budget_fits_with_every_quality()
    {
        foreach (GenerationQuality quality in Enum.GetValues<GenerationQuality>())
        {
            GenerationOptions options = Options with { Quality = quality, Memory = ByteSize.FromMebibytes(1) };
            ByteSize smallest = Assert.Throws<MemoryBudgetException>(() => Plan(options)).Smallest;
            GenerationPlan plan = Plan(options with { Memory = smallest });
            Assert.InRange(plan.PlannedPeakBytes, 0, smallest.Bytes);
            Assert.Throws<MemoryBudgetException>(() => Plan(options with { Memory = new ByteSize(smallest.Bytes - 4096) }));
        }
    }

    [Fact]
    public void Where_weights_are_read_from_the_files_it_is_said_what_would_keep_them()
    {
        long whole = Plan(Options with { WeightType = DType.Q4_0, CacheType = DType.Q8_0, Chunk = 1, Memory = new ByteSize(4L << 30) }).PlannedPeakBytes;
        GenerationOptions high = Options with { Memory = new ByteSize(whole), Quality = GenerationQuality.High };
        GenerationPlan streamed = Plan(high), kept = Plan(high with { Quality = GenerationQuality.Any });
        Assert.True(streamed.Choices.StreamedBlocks > 0);
        Assert.Equal(0, kept.Choices.StreamedBlocks);
        Assert.Equal(kept.Choices.WeightType, streamed.WeightTypeThatFits);
        Assert.Contains(streamed.Reasons, r => r.Reason.EndsWith($"--quality any would keep all in memory, in {kept.Choices.WeightType}", StringComparison.Ordinal));
        Assert.Null(kept.WeightTypeThatFits);
        long smallest = Assert.Throws<MemoryBudgetException>(() => Plan(high with { Memory = ByteSize.FromMebibytes(1) })).Smallest.Bytes;
        Assert.Null(Plan(high with { Memory = new ByteSize(smallest) }).WeightTypeThatFits);
    }

    [Fact]
    public void What_is_named_stays()
    {
        GenerationOptions named = Options with { CacheType = DType.F32, Chunk = 64, WeightType = DType.BF16, Memory = new ByteSize(4L << 30) };
        GenerationPlan plan = Plan(named);
        Assert.Equal(new GenerationChoices(64, DType.F32, DType.BF16, 15_600), plan.Choices);
        Assert.All(plan.Reasons.Take(3), static r => Assert.Equal("as asked for", r.Reason));
        GenerationChoices tight = Plan(named with { Memory = new ByteSize(plan.PlannedPeakBytes - 4096) }).Choices;
        Assert.Equal(plan.Choices with { StreamedBlocks = 1 }, tight);
        long smallest = Assert.Throws<MemoryBudgetException>(() => Plan(named with { Memory = ByteSize.FromMebibytes(1) })).Smallest.Bytes;
        Assert.Equal(plan.Choices with { StreamedBlocks = 8 }, Plan(named with { Memory = new ByteSize(smallest) }).Choices);
        Assert.Throws<MemoryBudgetException>(() => Plan(named with { Memory = new ByteSize(smallest - 4096) }));
    }

    [Fact]
    public void A_context_that_is_only_wished_for_is_shortened()
    {
        GenerationOptions chat = Options with { PromptTokens = 0, MaxTokens = 500, Context = 16_000, Quality = GenerationQuality.Exact };
        long full = Plan(chat with { Memory = new ByteSize(4L << 30) }).PlannedPeakBytes;
        GenerationPlan shorter = Plan(chat with { Memory = new ByteSize(full * 2 / 3) });
        Assert.InRange(shorter.Choices.Context, 500, 15_999);
        Assert.Contains(shorter.Reasons, static r => r.Name == "context" && r.Reason == "16000 would not fit");
    }

    [Fact]
    public void Layers_with_a_window_need_no_more_for_a_longer_text()
    {
        ModelConfiguration windowed = s_model with { SlidingWindow = 256 };
        long Peak(int tokens) => Plan(new GenerationOptions { Model = windowed, PromptTokens = 600, MaxTokens = tokens, Memory = new ByteSize(4L << 30) }).ArenaBytes;
        Assert.Equal(Peak(5_000), Peak(100_000));
        Assert.True(Peak(100) < Peak(5_000));
    }

    [Fact]
    public void The_report_adds_up_and_reads_as_a_table()
    {
        GenerationPlan plan = Plan(Options with { Memory = new ByteSize(1L << 30) });
        GenerationReport report = GenerationReport.Of(plan, MachineRates.Nominal);
        Assert.Equal(plan.PlannedPeakBytes, report.Rows.Sum(static r => r.Bytes));
        Assert.Equal(1, report.Rows.Sum(static r => r.Share), 6);
        Assert.True(report.Rows.Single(static r => r.Kind == MemoryKind.KvCache).Bytes >= 15_600L * 8 * 2 * 4 * 64 * 2);
        Assert.True(report.PrefillTokensPerSecond > report.DecodeTokensPerSecond && report.DecodeTokensPerSecond > 0);
        string text = report.ToString();
        Assert.All(plan.Reasons, r => Assert.Contains(r.Choice, text, StringComparison.Ordinal));
        Assert.All(text.Split('\n'), static line => Assert.True(line.Length <= 120, line));
        Assert.Contains("KV cache", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_that_cannot_be_used_are_refused()
    {
        Dictionary<string, GenerationOptions> wrong = new()
        {
            ["--max-tokens"] = Options with { MaxTokens = 0 },
            ["--context 10"] = Options with { Context = 10 },
            ["--chunk"] = Options with { Chunk = 0 },
            ["--threads"] = Options with { Threads = -1 },
            ["--cache Q4_0"] = Options with { CacheType = DType.Q4_0 },
            ["no whole blocks"] = Options with { CacheType = DType.Q8_0, Model = SmallModels.Model(headDimension: 8) },
            ["has places for 2048 tokens"] = Options with { Model = s_model with { Positions = PositionKind.Learned } },
            ["texts at once"] = Options with { Rows = 0 },
        };
        foreach ((string word, GenerationOptions options) in wrong)
            Assert.Contains(word, Assert.Throws<InvalidInputException>(() => Plan(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_many_tokens_are_told_to_be_fewer_by_what_can_be_given()
    {
        GenerationOptions learned = Options with { Model = s_model with { Positions = PositionKind.Learned }, MaxTokens = 10 };
        Assert.Contains("fewer --max-tokens", Assert.Throws<InvalidInputException>(() => Plan(learned with { Context = 5000 })).Message, StringComparison.Ordinal);
        // A conversation has no prompt that could be shorter.
        foreach (GenerationOptions options in (ReadOnlySpan<GenerationOptions>)[learned with { PromptTokens = 0, Context = 5000 },
            Options with { PromptTokens = 0, Memory = ByteSize.FromMebibytes(1) }])
        {
            string message = Assert.ThrowsAny<Exception>(() => Plan(options)).Message;
            Assert.Contains("give a smaller --context", message, StringComparison.Ordinal);
            Assert.DoesNotContain("prompt", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Prompts_are_cut_for_the_least_time_padding_included()
    {
        ChunkSchedule schedule = new([(512, 5.0), (128, 1.3), (32, 0.4), (8, 0.2), (1, 0.1)]);
        Assert.Equal([512, 128, 32, 8, 1, 8, 32], ((int[])[600, 128, 25, 8, 1, 2, 32]).Select(schedule.Next));
        for (int tokens = 1; tokens < 600; tokens++)
        {
            int left = tokens, runs = 0;
            while (left > 0) (left, runs) = (left - schedule.Next(left), runs + 1);
            Assert.InRange(runs, 1, 12);
        }
    }

    private static GenerationPlan Plan(GenerationOptions options)
    {
        using CpuDevice device = new(2);
        return GenerationPlan.Create(options, device);
    }
}
