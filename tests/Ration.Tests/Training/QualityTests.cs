using Ration.Devices.Cpu;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;
using Ration.Tests.Files;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>A plan changes numbers only as far as the quality allows, and only where memory is short.</summary>
public sealed class QualityTests
{
    // Found once: everything is looked at for it.
    private static readonly Lazy<long>[] s_smallest =
        [.. Enum.GetValues<MethodQuality>().Select(static q => new Lazy<long>(() => Assert.Throws<MemoryBudgetException>(() => Plan(q, 1 << 20)).Smallest.Bytes))];

    // Wide enough that state is most of the memory, and that blocks of state are whole.
    private static TrainingOptions Options(MethodQuality quality) => TrainingSamples.Options() with
    {
        Model = TrainingSamples.Model with { Width = 256, HiddenWidth = 768, HeadDimension = 64, Layers = 4 },
        BatchTokens = 4 * 40,
        LearningRate = null,
        Quality = quality,
        RuleSettings = new OptimizerSettings(),
    };

    [Fact]
    public void Where_there_is_room_nothing_is_changed()
    {
        TrainingPlan plan = Plan(MethodQuality.Any, 64L << 30);
        Assert.Equal(MethodQuality.Exact, plan.Choices.Quality);
        Assert.Equal("adamw", plan.Options.Optimizer.Name);
        Assert.DoesNotContain(plan.Reasons, static r => r.Name == "methods");
    }

    // Looking at more methods takes memory, which a plan that just fits has not to spare.
    [Theory]
    [InlineData(MethodQuality.Exact)]
    [InlineData(MethodQuality.High)]
    public void A_wider_quality_fits_whatever_a_narrower_does(MethodQuality narrow)
    {
        long smallest = Smallest(narrow);
        for (long budget = smallest; budget < smallest + (8 << 20); budget += 3 << 19)
        {
            TrainingPlan narrower = Plan(narrow, budget);
            Assert.True(narrower.PlannedPeakBytes <= budget);
            for (MethodQuality wide = narrow + 1; wide <= MethodQuality.Any; wide++)
            {
                TrainingPlan wider = Plan(wide, budget);
                Assert.True(wider.PlannedPeakBytes <= budget);
                if (budget == smallest) Assert.Equal(narrower.Choices, wider.Choices);
            }
        }
    }

    // 4 bits move fewer bytes, and would otherwise seem the better for it.
    [Fact]
    public void State_in_4_bits_is_for_what_8_do_not_fit()
    {
        long least = Smallest(MethodQuality.High), exact = Smallest(MethodQuality.Exact);
        List<StateFormat?> states = [];
        for (int i = 0; i <= 8; i++) states.Add(Plan(MethodQuality.High, least + (i * (exact - least) / 8)).Choices.Methods.State);
        Assert.Equal(StateFormat.FourBit, states[0]);
        Assert.Contains(StateFormat.EightBit, states);
        Assert.DoesNotContain(StateFormat.FourBit, states[states.IndexOf(StateFormat.EightBit)..]);
    }

    [Fact]
    public void What_a_refusal_says_would_fit_does()
    {
        long exact = Smallest(MethodQuality.Exact), any = Smallest(MethodQuality.Any);
        int hints = 0;
        for (long budget = any - (4 << 20); budget < exact; budget += 2 << 20)
        {
            string refusal = Refusal(MethodQuality.Exact, budget);
            foreach (MethodQuality quality in (MethodQuality[])[MethodQuality.High, MethodQuality.Any])
            {
                if (!refusal.Contains($"--quality {quality.ToString().ToLowerInvariant()} would fit", StringComparison.Ordinal)) continue;
                Assert.True(Plan(quality, budget).PlannedPeakBytes <= budget);
                hints++;
            }
        }

        Assert.True(hints > 0, "nothing was said to fit");
    }

    // With rows of 64 tokens tiny needs least where not its last schedule is taken, but the one before.
    [Theory]
    [InlineData("nano", MethodQuality.Exact)]
    [InlineData("nano", MethodQuality.Any)]
    [InlineData("tiny", MethodQuality.High)]
    public void The_budget_that_a_refusal_names_is_the_smallest(string preset, MethodQuality quality)
    {
        using CpuDevice device = new(1);
        TrainingOptions options = new()
        {
            Model = Presets.Get(preset),
            BatchTokens = 256,
            Sequence = 64,
            Quality = quality,
            RuleSettings = new OptimizerSettings(),
            Memory = ByteSize.FromMebibytes(1),
        };
        MemoryBudgetException named = Assert.Throws<MemoryBudgetException>(() => TrainingPlan.Create(options, device));
        ByteSize smallest = named.Smallest;
        TrainingPlan plan = TrainingPlan.Create(options with { Memory = smallest }, device);
        Assert.True(plan.PlannedPeakBytes <= smallest.Bytes);
        Assert.Contains(PlanReasons.Words(plan.Choices.Recompute, options.Model.Layers), named.Message, StringComparison.Ordinal);
        Assert.Contains(PlanReasons.Words(plan.Choices, options, plan.Program.Graph), named.Message, StringComparison.Ordinal);
        // Nor would less have been: among the same plans, and named alike however little was asked for.
        MemoryBudgetException refusal = Assert.Throws<MemoryBudgetException>(() => TrainingPlan.Create(options with { Memory = new ByteSize(smallest.Bytes - 1) }, device));
        Assert.Equal(smallest, refusal.Smallest);
    }

    [Fact]
    public void Each_quality_fits_less_memory_than_the_one_before()
    {
        long[] smallest = [.. Enum.GetValues<MethodQuality>().Select(Smallest)];
        Assert.True(smallest[1] < smallest[0] && smallest[2] < smallest[1], string.Join(", ", smallest));
        foreach (MethodQuality quality in Enum.GetValues<MethodQuality>())
        {
            TrainingPlan plan = Plan(quality, smallest[(int)quality]);
            Assert.True(plan.PlannedPeakBytes <= smallest[(int)quality]);
            Assert.Equal(quality, plan.Choices.Quality);
            Assert.Throws<MemoryBudgetException>(() => Plan(quality, smallest[(int)quality] * 31 / 32));
        }
    }

    [Fact]
    public void A_refusal_names_the_quality_that_would_fit()
    {
        long high = Smallest(MethodQuality.High), any = Smallest(MethodQuality.Any);
        Assert.Contains("--quality high would fit", Refusal(MethodQuality.Exact, high + (1 << 20)), StringComparison.Ordinal);
        Assert.Contains("--quality any would fit", Refusal(MethodQuality.High, any + (1 << 20)), StringComparison.Ordinal);
        Assert.DoesNotContain("--quality", Refusal(MethodQuality.Any, any - (4 << 20)), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_named_is_kept()
    {
        long budget = Smallest(MethodQuality.Any);
        using CpuDevice device = new(1);
        TrainingOptions named = Options(MethodQuality.Any) with { Memory = new ByteSize(budget + (1 << 20)), RuleSettings = null, State = StateFormat.F32 };
        Assert.Throws<MemoryBudgetException>(() => TrainingPlan.Create(named, device));
    }

    [Fact]
    public void Reasons_say_what_was_chosen_and_why()
    {
        TrainingPlan plan = Plan(MethodQuality.High, Smallest(MethodQuality.High) + (1 << 20));
        PlanReason reason = Assert.Single(plan.Reasons, static r => r.Name == "methods");
        Assert.Contains("optimizer state in", reason.Choice, StringComparison.Ordinal);
        Assert.Contains($"(--state {plan.StoredState.Name()})", reason.Choice, StringComparison.Ordinal);
        Assert.Contains("no exact plan fits", reason.Reason, StringComparison.Ordinal);
        Assert.Matches("(% (faster|slower) than|as fast as) the fastest of all exact plans, which takes [0-9.]+ [KMG]iB more$", reason.Reason);
    }

    [Theory]
    [InlineData(StateFormat.EightBit)]
    [InlineData(StateFormat.FourBit)]
    public void State_that_is_too_small_for_a_format_costs_nothing_and_is_said_to_be_in_f32(StateFormat format)
    {
        using CpuDevice device = new(1);
        TrainingOptions options = TrainingSamples.Options("adalomo");
        TrainingPlan plain = TrainingPlan.Create(options, device), asked = TrainingPlan.Create(options with { State = format }, device);
        Assert.Equal(plain.PlannedPeakBytes, asked.PlannedPeakBytes);
        Assert.Equal(StateFormat.F32, asked.StoredState);
        Assert.Contains($"no tensor of it is large enough for --state {format.Name()}", Assert.Single(asked.Reasons, static r => r.Name == "optimizer").Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("--state", Assert.Single(plain.Reasons, static r => r.Name == "optimizer").Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(MethodQuality.High)]
    [InlineData(MethodQuality.Any)]
    public void A_run_that_chose_methods_resumes_with_them(MethodQuality quality)
    {
        TrainingOptions options = Options(quality) with { Memory = new ByteSize(Smallest(quality) + (1 << 20)), Steps = 4 };
        using TemporaryFolder whole = new(), parts = new();
        byte[] expected = Train(options, whole.Path, 4), resumed;
        Train(options, parts.Path, 2);
        MemoryChoices kept = TrainingCheckpoint.ReadHeader(parts.Path, options).Choices;
        Assert.Equal(quality, kept.Quality);
        using (CpuDevice device = new(1))
        {
            TrainingPlan plan = TrainingPlan.Create(options, device, pinned: kept);
            using Trainer trainer = new(plan, TrainingSamples.Data(options));
            TrainingCheckpoint.Load(trainer, parts.Path, "data");
            for (int i = 0; i < 2; i++) trainer.Step();
            resumed = TrainingSamples.State(trainer);
        }

        Assert.Equal(expected, resumed);
    }

    [Fact]
    public void Weights_are_rounded_where_state_in_fewer_bits_is_not_enough()
    {
        TrainingPlan high = Plan(MethodQuality.High, Smallest(MethodQuality.High) + (1 << 20)), any = Plan(MethodQuality.Any, Smallest(MethodQuality.Any) + (1 << 20));
        Assert.Equal(WeightFormat.BF16, high.Options.Weights);
        Assert.Equal(WeightFormat.Int8, any.Options.Weights);
        long Held(TrainingPlan plan, DType type) => plan.Program.Graph.Persistent.Count(v => v.Kind == MemoryKind.Weights && v.DType == type);
        Assert.Equal(Held(Plan(MethodQuality.Exact, 64L << 30), DType.F32), Held(high, DType.F32) + Held(high, DType.BF16));
        Assert.True(Held(high, DType.BF16) > 0 && Held(any, DType.Q8_0) > 0);
        using CpuDevice device = new(1);
        TrainingOptions named = Options(MethodQuality.Any) with { Memory = new ByteSize(any.BudgetBytes), Weights = WeightFormat.F32 };
        Assert.Throws<MemoryBudgetException>(() => TrainingPlan.Create(named, device));
    }

    private static byte[] Train(TrainingOptions options, string folder, int steps)
    {
        using CpuDevice device = new(1);
        using Trainer trainer = new(TrainingPlan.Create(options, device), TrainingSamples.Data(options));
        trainer.Initialize();
        for (int i = 0; i < steps; i++) trainer.Step();
        TrainingCheckpoint.Save(trainer, folder, "data");
        return TrainingSamples.State(trainer);
    }

    private static TrainingPlan Plan(MethodQuality quality, long budget)
    {
        using CpuDevice device = new(1);
        return TrainingPlan.Create(Options(quality) with { Memory = new ByteSize(budget) }, device);
    }

    private static string Refusal(MethodQuality quality, long budget) => Assert.Throws<MemoryBudgetException>(() => Plan(quality, budget)).Message;

    private static long Smallest(MethodQuality quality) => s_smallest[(int)quality].Value;
}
