using Ration.Devices.Cpu.Kernels;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class StochasticStoreTests
{
    public static TheoryData<DType> Types => [DType.BF16, DType.Q8_0];

    [Theory]
    [MemberData(nameof(Types))]
    public void The_mean_over_draws_is_the_number(DType type)
    {
        const int Count = 192, Draws = 4000;
        float[] x = Check.Random(Count, 3);
        double[] sums = new double[Count], squares = new double[Count];
        for (int draw = 0; draw < Draws; draw++)
        {
            float[] back = Stored(x, type, seed: 9, stream: (ulong)draw);
            for (int i = 0; i < Count; i++)
            {
                sums[i] += back[i];
                squares[i] += (double)back[i] * back[i];
            }
        }

        double worst = 0, chi = 0;
        for (int i = 0; i < Count; i++)
        {
            double mean = sums[i] / Draws, variance = Math.Max(0, (squares[i] / Draws) - (mean * mean)), error = Math.Sqrt(variance / Draws);
            double score = error == 0 ? (Math.Abs(mean - x[i]) < 2e-5 * Math.Abs(x[i]) ? 0 : 100) : (mean - x[i]) / error;
            (worst, chi) = (Math.Max(worst, Math.Abs(score)), chi + (score * score));
        }

        // Of 192 standard scores none is beyond 4.5, and their squares have a mean of one.
        Assert.InRange(worst, 0, 4.5);
        Assert.InRange(chi / Count, 0.6, 1.4);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_number_goes_to_one_of_its_two_neighbours(DType type)
    {
        float[] x = Check.Random(320, 4);
        for (int i = 0; i < x.Length; i++) x[i] *= MathF.Pow(2, (i / 32) - 5);
        float[] back = Stored(x, type, 1, 2);
        for (int start = 0; start < x.Length; start += 32)
        {
            float greatest = x.Skip(start).Take(32).Max(MathF.Abs);
            for (int i = start; i < start + 32; i++)
            {
                double step = type == DType.BF16 ? Math.Pow(2, Math.Floor(Math.Log2(Math.Abs(x[i]))) - 7) : greatest / 127 * 1.001;
                Assert.True(Math.Abs(back[i] - x[i]) <= step, $"{x[i]:R} became {back[i]:R}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void What_can_be_stored_stays_as_it_is(DType type)
    {
        float[] once = Stored(Check.Random(320, 5), type, 1, 2);
        Assert.Equal(once, Stored(once, type, 3, 4));
        Assert.Equal(new float[64], Stored(new float[64], type, 3, 4));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Parts_get_the_same_chances_as_the_whole(DType type)
    {
        float[] x = Check.Random(1024, 6);
        using Guarded<byte> whole = new((nint)type.Bytes(1024), 1), parts = new((nint)type.Bytes(1024), 1);
        fixed (float* p = x)
        {
            StochasticStore.Store(p, whole, type, 0, 1024, 7, 8);
            for (int start = 0; start < 1024; start += 192) StochasticStore.Store(p + start, parts, type, start, Math.Min(192, 1024 - start), 7, 8);
        }

        Assert.Equal(whole.ToArray(), parts.ToArray());
        Assert.NotEqual(Stored(x, type, 7, 8), Stored(x, type, 7, 9));
        Assert.NotEqual(Stored(x, type, 7, 8), Stored(x, type, 8, 8));
    }

    [Fact]
    public void Any_count_of_bfloat16_is_stored_and_nothing_else_written()
    {
        foreach (int count in Check.Counts)
        {
            float[] x = Check.Random(count, 6), back = Stored(x, DType.BF16, 1, 1);
            for (int i = 0; i < count; i++) Assert.InRange(back[i] - x[i], -Math.Abs(x[i]) / 128, Math.Abs(x[i]) / 128);
        }
    }

    [Fact]
    public void Infinities_stay_and_what_is_no_number_stays_none()
    {
        float[] x = new float[64], back;
        for (int i = 0; i < 64; i++) x[i] = (i % 4) switch { 0 => float.PositiveInfinity, 1 => float.NegativeInfinity, 2 => float.NaN, _ => BitConverter.Int32BitsToSingle(0x7F800001) };
        back = Stored(x, DType.BF16, 1, 1);
        for (int i = 0; i < 64; i++) Assert.True(i % 4 < 2 ? back[i] == x[i] : float.IsNaN(back[i]), $"{x[i]} became {back[i]}");
    }

    // The scale of a block is that of its greatest number.
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.MaxValue)]
    public void A_block_with_what_cannot_be_stored_is_no_number_and_the_others_are_as_without(float value)
    {
        float[] x = Check.Random(192, 6), without = Stored(x, DType.Q8_0, 1, 1);
        x[64 + 13] = value;
        float[] back = Stored(x, DType.Q8_0, 1, 1);
        Check.Same(without.AsSpan(0, 64), back.AsSpan(0, 64));
        Check.Same(without.AsSpan(96), back.AsSpan(96));
        Assert.All(back[64..96], static v => Assert.False(float.IsFinite(v), $"{v}"));
    }

    private static float[] Stored(float[] x, DType type, ulong seed, ulong stream)
    {
        using Guarded<byte> stored = new((nint)type.Bytes((long)x.Length), 1);
        fixed (float* p = x) StochasticStore.Store(p, stored, type, 0, x.Length, seed, stream);
        float[] back = new float[x.Length];
        TensorCodec.Decode(type, stored.Span, back);
        return back;
    }
}
