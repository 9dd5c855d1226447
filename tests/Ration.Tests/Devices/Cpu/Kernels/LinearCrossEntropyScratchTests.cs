using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public sealed class LinearCrossEntropyScratchTests
{
    [Theory]
    [InlineData(2560, 4096, 288, DType.F32)]
    [InlineData(3072, 4096, 640, DType.F32)]
    [InlineData(2049, 2600, 33, DType.F32)]
    [InlineData(512, 2048 + 520, 64, DType.F32)]
    [InlineData(1024, 4096, 288, DType.Q8_0)]
    [InlineData(1024, 2100, 960, DType.Q8_0)]
    [InlineData(300, 2100, 320, DType.NF4)]
    public void No_block_writes_beyond_the_scratch_that_was_asked_for(int tokens, int vocabulary, int width, DType type)
    {
        LossTrial trial = LossTrial.Random(tokens, vocabulary, width, type);
        LossOutcome exact = trial.Run(new LossMode());
        Assert.True(float.IsFinite(exact.Loss) && exact.Loss > 0);
        AssertSame(exact, trial.Run(new LossMode(FilterThreshold: 1e-30f)));
    }

    [Theory]
    [InlineData(2049, 2600, 33, DType.F32)]
    [InlineData(130, 2100, 65, DType.F32)]
    [InlineData(300, 900, 320, DType.Q8_0)]
    public void Chunks_kept_logits_and_a_sample_of_all_are_the_same_loss(int tokens, int vocabulary, int width, DType type)
    {
        LossTrial trial = LossTrial.Random(tokens, vocabulary, width, type);
        LossOutcome exact = trial.Run(new LossMode());
        AssertSame(exact, trial.Run(new LossMode(ChunkTokens: 100)));
        AssertSame(exact, trial.Run(new LossMode(FilterThreshold: 1e-30f, OrderVocabulary: true, ChunkTokens: 100)));
        AssertSame(exact, trial.Run(new LossMode(Sample: [.. Enumerable.Range(0, vocabulary)])));
        AssertSame(exact, trial.Run(new LossMode(FilterThreshold: 1e-30f, OrderVocabulary: true)));
        LossOutcome kept = trial.Run(new LossMode(KeepLogits: true));
        Assert.Equal(exact.Loss, kept.Loss);
        Assert.Equal(exact.Hidden, kept.Hidden);
        Assert.Equal(exact.Weight, kept.Weight);
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_bits()
    {
        LossTrial trial = LossTrial.Random(300, 2500, 40);
        int[] sample = [.. Enumerable.Range(0, 2500).Where(i => i % 3 == 0 || trial.Targets.Contains(i)), -1, -1, -1];
        LossMode[] modes =
        [
            new(), new(FilterThreshold: 1f / 4096), new(FilterThreshold: 1f / 4096, OrderVocabulary: true), new(ChunkTokens: 128), new(KeepLogits: true), new(Sample: sample),
            new(Sample: sample, FilterThreshold: 1f / 4096),
        ];
        foreach (LossMode mode in modes)
        {
            LossOutcome one = trial.Run(mode, threads: 1), three = trial.Run(mode, threads: 3);
            Assert.Equal((one.Loss, one.Tiles), (three.Loss, three.Tiles));
            Assert.Equal(one.LogSumExp, three.LogSumExp);
            Assert.Equal(one.Hidden, three.Hidden);
            Assert.Equal(one.Weight, three.Weight);
        }
    }

    [Fact]
    public void A_sample_without_a_target_is_refused()
    {
        LossTrial trial = LossTrial.Random(5, 33, 4);
        ArgumentException error = Assert.Throws<ArgumentException>(() => trial.Run(new LossMode(Sample: [0, 1, 4, -1])));
        Assert.Contains("is not in the sample", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_target_that_is_no_class_is_refused(bool orders)
    {
        LossTrial trial = LossTrial.Random(5, 33, 4);
        trial.Targets[2] = 33;
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => trial.Run(new LossMode(FilterThreshold: orders ? 1e-3f : 0, OrderVocabulary: orders)));
        Assert.Contains("the target 33 of token 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_filter_does_not_pass_over_what_is_no_number()
    {
        // Every other gradient is below the threshold.
        LossTrial trial = LossTrial.Random(6, 512, 8);
        Array.Fill(trial.Targets, -1);
        trial.Targets[4] = 7;
        trial.Hidden[4 * 8] = float.NaN;
        LossOutcome outcome = trial.Run(new LossMode(FilterThreshold: 2));
        Assert.True(float.IsNaN(outcome.Loss));
        Assert.All(outcome.Hidden[(4 * 8)..(5 * 8)], static x => Assert.True(float.IsNaN(x)));
        Assert.All(outcome.Hidden[..(4 * 8)], static x => Assert.Equal(0, x));
    }

    private static void AssertSame(LossOutcome expected, LossOutcome actual)
    {
        Assert.Equal(expected.Loss, actual.Loss, 1e-6 * expected.Loss);
        Assert.InRange(LossTrial.Distance(expected.LogSumExp, actual.LogSumExp), 0, 1e-6);
        Assert.InRange(LossTrial.Distance(expected.Hidden, actual.Hidden), 0, 2e-6);
        Assert.InRange(LossTrial.Distance(expected.Weight, actual.Weight), 0, 2e-6);
    }
}
