using Ration.Devices.Cpu.Kernels;
using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.Kernels;

/// <summary>What the filter leaves out of the gradient, and what an order of the vocabulary does for it.</summary>
[Trait("Category", "Kernel")]
public sealed class GradientFilterTests
{
    private const int Tokens = 300;
    private const int Vocabulary = 1000;
    private const int Width = 24;
    private const int TileTokens = 128;
    private const int TileClasses = 256;

    [Fact]
    public void A_threshold_below_every_element_gives_the_exact_gradients()
    {
        LossOutcome exact = Sorted().Run(new LossMode()), filtered = Sorted().Run(new LossMode(1e-30f));
        Assert.InRange(LossTrial.Distance(exact.Hidden, filtered.Hidden), 0, 1e-6);
        Assert.InRange(LossTrial.Distance(exact.Weight, filtered.Weight), 0, 1e-6);
        Assert.Equal(new FilteredTiles(0, 12), filtered.Tiles);
        Assert.Equal(default, exact.Tiles);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_threshold_above_every_element_skips_all_tiles(bool ordered)
    {
        LossOutcome filtered = Sorted().Run(new LossMode(2, ordered));
        Assert.All(filtered.Hidden, static g => Assert.Equal(0, g));
        Assert.All(filtered.Weight, static g => Assert.Equal(0, g));
        Assert.Equal(new FilteredTiles(12, 12), filtered.Tiles);
    }

    // Each element of a skipped tile is below threshold · scale, so an element of the gradient of h is off by at most that times Σ |w| over
    // the vocabulary, and one of W's by that times Σ |h| over the tokens.
    [Theory]
    [InlineData(1e-3f, false)]
    [InlineData(1e-3f, true)]
    [InlineData(1f / 4096, false)]
    [InlineData(1f / 4096, true)]
    public void What_a_threshold_skips_is_bounded_by_it(float threshold, bool ordered)
    {
        foreach (LossTrial trial in (LossTrial[])[Sorted(), Shuffled()])
        {
            LossOutcome exact = trial.Run(new LossMode()), filtered = trial.Run(new LossMode(threshold, ordered));
            Assert.Equal(exact.Loss, filtered.Loss, 1e-6 * exact.Loss);
            AssertBounded(exact.Hidden, filtered.Hidden, column => threshold * trial.Scale * Enumerable.Range(0, Vocabulary).Sum(i => Math.Abs((double)trial.Weight[(i * Width) + column])));
            AssertBounded(exact.Weight, filtered.Weight, column => threshold * trial.Scale * Enumerable.Range(0, Tokens).Sum(i => Math.Abs((double)trial.Hidden[(i * Width) + column])));
            if (filtered.Tiles.Skipped > 0) Assert.True(LossTrial.Distance(exact.Hidden, filtered.Hidden) > 1e-7, "tiles were skipped, and nothing is missing");
        }
    }

    // No probability comes near the threshold. What does is what the target takes away from one.
    [Fact]
    public void Tiles_that_hold_a_target_are_kept_however_flat_the_softmax()
    {
        const float Threshold = 2e-3f;
        LossTrial trial = Flat();
        bool[,] kept = new bool[3, 5];
        (kept[0, 1], kept[1, 0], kept[1, 4], kept[2, 3]) = (true, true, true, true);
        (double[] hidden, double[] weight, double greatest) = GradientsOf(trial, kept);
        Assert.InRange(greatest, 0, 0.9 * Threshold);

        LossOutcome filtered = trial.Run(new LossMode(Threshold)), exact = trial.Run(new LossMode());
        Assert.Equal(new FilteredTiles(11, 15), filtered.Tiles);
        Check.Close(hidden, filtered.Hidden, 1e-6, hidden.Max(Math.Abs), "hidden");
        Check.Close(weight, filtered.Weight, 1e-6, weight.Max(Math.Abs), "weight");
        for (int i = 2 * TileClasses * Width; i < 3 * TileClasses * Width; i++) Assert.Equal(0, filtered.Weight[i]);
        Assert.True(LossTrial.Distance(exact.Hidden, filtered.Hidden) > 1e-3, "what was skipped is in the gradient all the same");
    }

    [Fact]
    public void An_order_of_the_vocabulary_gathers_what_is_not_negligible()
    {
        const float Threshold = 1e-3f;
        Assert.True(Sorted().Run(new LossMode(Threshold)).Tiles.Skipped >= 3);
        Assert.Equal(0, Shuffled().Run(new LossMode(Threshold)).Tiles.Skipped);
        Assert.True(Shuffled().Run(new LossMode(Threshold, OrderVocabulary: true)).Tiles.Skipped >= 3);
    }

    [Fact]
    public void Tokens_without_a_target_have_no_say_in_the_order()
    {
        LossTrial trial = Shuffled();
        LossOutcome before = trial.Run(new LossMode(1e-3f, OrderVocabulary: true));
        for (int i = 0; i < Tokens; i += 7) trial.Hidden.AsSpan(i * Width, Width).Fill(-50);
        LossOutcome after = trial.Run(new LossMode(1e-3f, OrderVocabulary: true));
        Assert.Equal(before.Tiles, after.Tiles);
        Assert.Equal(before.Hidden, after.Hidden);
    }

    // Tokens from 512 on are all but impossible after the first channel: their tiles of the softmax are far below a thousandth.
    private static LossTrial Sorted() => Make(static i => i);

    // The same with the impossible ones all over the vocabulary.
    private static LossTrial Shuffled() => Make(static i => (i * 377) % Vocabulary);

    private static LossTrial Make(Func<int, int> place)
    {
        float[] hidden = new float[Tokens * Width], weight = new float[Vocabulary * Width], placed = new float[Vocabulary * Width];
        CounterRandom random = new(5, 6);
        random.FillNormal(0, hidden, 1.5f);
        random.FillNormal(1 << 20, weight, 1.5f);
        for (int i = 0; i < Tokens; i++) hidden[i * Width] = 4;
        for (int i = 512; i < Vocabulary; i++) weight[i * Width] = -4;
        for (int i = 0; i < Vocabulary; i++) weight.AsSpan(i * Width, Width).CopyTo(placed.AsSpan(place(i) * Width));
        return new LossTrial
        {
            Tokens = Tokens,
            Vocabulary = Vocabulary,
            Width = Width,
            Hidden = hidden,
            Weight = placed,
            Targets = [.. Enumerable.Range(0, Tokens).Select(i => i % 7 == 0 ? -1 : place((i * 37) % 512))],
        };
    }

    // All tokens of the vocabulary are about as likely as each other. Targets lie in one tile for the first 128 tokens, in two for the next,
    // and the last have but one.
    private static LossTrial Flat()
    {
        const int Classes = 1100;
        float[] hidden = new float[Tokens * Width], weight = new float[Classes * Width];
        CounterRandom random = new(5, 6);
        random.FillNormal(0, hidden, 1);
        random.FillNormal(1 << 20, weight, 0.02f);
        int[] targets = new int[Tokens];
        for (int i = 0; i < Tokens; i++)
            targets[i] = (i / TileTokens) switch { 0 => TileClasses + i, 1 => (i % 2 * 4 * TileClasses) + (i % 64), _ => i == 280 ? 800 : -1 };
        return new LossTrial { Tokens = Tokens, Vocabulary = Classes, Width = Width, Hidden = hidden, Weight = weight, Targets = targets };
    }

    // The gradients of hidden states and head by those tiles alone, and the greatest probability there is.
    private static (double[] Hidden, double[] Weight, double Greatest) GradientsOf(LossTrial trial, bool[,] kept)
    {
        double[] hidden = new double[trial.Hidden.Length], weight = new double[trial.Weight.Length], logits = new double[trial.Vocabulary];
        double greatest = 0;
        for (int token = 0; token < trial.Tokens; token++)
        {
            if (trial.Targets[token] < 0) continue;
            ReadOnlySpan<float> h = trial.Hidden.AsSpan(token * Width, Width);
            for (int i = 0; i < logits.Length; i++)
            {
                logits[i] = 0;
                for (int k = 0; k < Width; k++) logits[i] += (double)h[k] * trial.Weight[(i * Width) + k];
            }

            double sum = logits.Sum(Math.Exp);
            for (int i = 0; i < logits.Length; i++)
            {
                double probability = Math.Exp(logits[i]) / sum;
                greatest = Math.Max(greatest, probability);
                if (!kept[token / TileTokens, i / TileClasses]) continue;
                double gradient = (probability - (i == trial.Targets[token] ? 1 : 0)) / trial.Tokens;
                for (int k = 0; k < Width; k++)
                {
                    hidden[(token * Width) + k] += gradient * trial.Weight[(i * Width) + k];
                    weight[(i * Width) + k] += gradient * h[k];
                }
            }
        }

        return (hidden, weight, greatest);
    }

    private static void AssertBounded(float[] exact, float[] filtered, Func<int, double> boundOfColumn)
    {
        double[] bounds = [.. Enumerable.Range(0, Width).Select(boundOfColumn)];
        double rounding = 1e-5 * exact.Max(Math.Abs);
        for (int i = 0; i < exact.Length; i++) Assert.InRange(Math.Abs((double)exact[i] - filtered[i]), 0, bounds[i % Width] + rounding);
    }
}
