using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class DropoutKernelTests
{
    [Theory]
    [InlineData(0UL, 0UL, 0UL)]
    [InlineData(12345678901234567UL, 1UL << 63, 268435455UL)]
    [InlineData(ulong.MaxValue, ulong.MaxValue, (1UL << 60) - 1)]
    public void Groups_of_words_are_those_of_the_scalar_generator(ulong seed, ulong stream, ulong group)
    {
        using Guarded<uint> words = new(64);
        RandomGroup.Fill(seed, stream, group, words);
        CounterRandom random = new(seed, stream);
        for (int lane = 0; lane < 16; lane++)
        {
            (uint a, uint b, uint c, uint d) = random.Words((group * 16) + (ulong)lane);
            Assert.Equal((a, b, c, d), (words.Span[lane], words.Span[16 + lane], words.Span[32 + lane], words.Span[48 + lane]));
        }
    }

    [Fact]
    public void Elements_live_or_die_by_their_number_alone()
    {
        float[] whole = Drop(5000, 0.3f, 7, 1, 2, threads: 1);
        foreach (int count in Check.Counts) Check.Same(whole.AsSpan(0, count), Drop(count, 0.3f, 7, 1, 2, threads: 2));
        int size = (2 * (int)ElementwiseKernel.Block) + 77;
        Check.Same(Drop(size, 0.3f, 7, 1, 2, threads: 1), Drop(size, 0.3f, 7, 1, 2, threads: 3));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(77)]
    [InlineData((16 << 10) + 5)]
    public void Each_row_draws_by_its_own_number(int elements)
    {
        using WorkerPool pool = new(3);
        using Guarded<float> x = new(3 * elements, 1), y = new(3 * elements, 1);
        x.Span.Fill(1);
        DropoutKernel.Apply(pool, x, y, 3, elements, 0.4f, 7, 11, 2);
        for (int row = 0; row < 3; row++) Check.Same(Drop(elements, 0.4f, 7, 11 + (ulong)row, 2, threads: 1), y.Span.Slice(row * elements, elements));
    }

    [Fact]
    public void Survivors_are_scaled_and_as_many_as_expected()
    {
        const int Count = 200_000;
        float[] y = Drop(Count, 0.25f, 1, 2, 3, threads: 2);
        Assert.All(y, v => Assert.True(v is 0 or 1 / 0.75f));
        Assert.InRange(y.Count(v => v == 0), (0.25 * Count) - 1000, (0.25 * Count) + 1000); // Five standard deviations.
        Assert.All(Drop(100, 0, 1, 2, 3, threads: 1), v => Assert.Equal(1f, v));
    }

    [Fact]
    public void Seeds_draws_and_sites_are_independent()
    {
        float[] y = Drop(64_000, 0.5f, 1, 2, 3, threads: 1);
        foreach (float[] other in (float[][])[Drop(64_000, 0.5f, 2, 2, 3, 1), Drop(64_000, 0.5f, 1, 3, 3, 1),
            Drop(64_000, 0.5f, 1, 2, 4, 1)])
            Assert.InRange(y.Zip(other).Count(p => p.First == p.Second), 31_000, 33_000);
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(-0.1f)]
    [InlineData(float.NaN)]
    public void Probabilities_outside_the_half_open_unit_interval_are_refused(float probability) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Drop(1, probability, 0, 0, 0, 1));

    private static float[] Drop(int count, float probability, ulong seed, ulong draw, int site, int threads)
    {
        using WorkerPool pool = new(threads);
        using Guarded<float> x = new(count, 1);
        x.Span.Fill(1);
        DropoutKernel.Apply(pool, x, x, 1, count, probability, seed, draw, site);
        return x.ToArray();
    }
}
