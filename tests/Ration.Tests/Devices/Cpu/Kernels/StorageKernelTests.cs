using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class StorageKernelTests
{
    [Fact]
    public void Every_half_widens_exactly_and_narrows_to_itself() =>
        RoundTrip(DType.F16, bits => (float)BitConverter.UInt16BitsToHalf(bits));

    [Fact]
    public void Every_bfloat16_widens_exactly_and_narrows_to_itself() =>
        RoundTrip(DType.BF16, bits => BitConverter.UInt32BitsToSingle((uint)bits << 16));

    [Fact]
    public void Narrowing_rounds_to_nearest_even()
    {
        List<float> values = [0f, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, 65504f, 65519.996f, 65520f, 1e9f,
            float.MaxValue, 1e-45f];
        for (int bits = 0; bits < 0x7F80; bits += 3)
        {
            // Ties and their neighbours, for both formats.
            foreach (int low in (int[])[0x0000, 0x0FFF, 0x1000, 0x1001, 0x3000, 0x7FFF, 0x8000, 0x8001, 0xFFFF])
                values.Add(BitConverter.Int32BitsToSingle((bits << 16) | low) * ((bits & 1) == 0 ? 1 : -1));
        }

        using WorkerPool pool = new(2);
        using Guarded<float> x = new([.. values], 1);
        using Guarded<ushort> y = new(values.Count, 1);
        StorageKernel.Cast(pool, x, DType.F32, y, DType.F16, values.Count);
        for (int i = 0; i < values.Count; i++)
        {
            Half expected = (Half)values[i];
            if (Half.IsNaN(expected)) Assert.True(Half.IsNaN(BitConverter.UInt16BitsToHalf(y.Span[i])));
            else Assert.True(BitConverter.HalfToUInt16Bits(expected) == y.Span[i],
                $"{values[i]:R} became {BitConverter.UInt16BitsToHalf(y.Span[i])}");
        }

        StorageKernel.Cast(pool, x, DType.F32, y, DType.BF16, values.Count);
        for (int i = 0; i < values.Count; i++)
        {
            float got = BitConverter.UInt32BitsToSingle((uint)y.Span[i] << 16);
            Assert.True(NearestBFloat16(values[i]).Equals(got), $"{values[i]:R} became {got:R}");
        }
    }

    [Fact]
    public void Any_length_and_pair_of_types_is_converted_without_touching_neighbours()
    {
        using WorkerPool pool = new(2);
        foreach (int count in Check.Counts.Append((2 * (int)ElementwiseKernel.Block) + 1))
        {
            using Guarded<float> x = new(Check.Random(count, 1), 1);
            using Guarded<ushort> half = new(count, 3);
            using Guarded<ushort> brain = new(count, 1);
            using Guarded<float> y = new(count, 2);
            StorageKernel.Cast(pool, x, DType.F32, half, DType.F16, count);
            StorageKernel.Cast(pool, half, DType.F16, brain, DType.BF16, count);
            StorageKernel.Cast(pool, brain, DType.BF16, y, DType.F32, count);
            Check.Close(Reference.Doubles(x.ToArray()), y.Span, 0.0045, 1e-4);
            StorageKernel.Copy(pool, x, y, count);
            Check.Same(x.Span, y.Span);
            StorageKernel.Fill(pool, y, 2.5f, count);
            Assert.False(y.Span.ContainsAnyExcept(2.5f));
        }
    }

    [Fact]
    public void Integers_are_not_converted()
    {
        using WorkerPool pool = new(1);
        Assert.Throws<NotSupportedException>(() => StorageKernel.Cast(pool, null, DType.I32, null, DType.F32, 0));
    }

    // By distance to the two neighbours; infinity counts as 2¹²⁸.
    private static float NearestBFloat16(float value)
    {
        if (!float.IsFinite(value)) return value;
        uint below = BitConverter.SingleToUInt32Bits(MathF.Abs(value)) & 0xFFFF0000;
        float low = BitConverter.UInt32BitsToSingle(below), high = BitConverter.UInt32BitsToSingle(below + 0x10000);
        double up = (float.IsInfinity(high) ? Math.ScaleB(1, 128) : high) - (double)MathF.Abs(value), down = MathF.Abs(value) - (double)low;
        bool takeLow = down < up || (down == up && (below & 0x10000) == 0);
        return MathF.CopySign(takeLow ? low : high, value);
    }

    private static void RoundTrip(DType type, Func<ushort, float> widen)
    {
        using WorkerPool pool = new(1);
        using Guarded<ushort> all = new(65536, 1);
        for (int i = 0; i < 65536; i++) all.Span[i] = (ushort)i;
        using Guarded<float> wide = new(65536, 1);
        using Guarded<ushort> back = new(65536, 1);
        StorageKernel.Cast(pool, all, type, wide, DType.F32, 65536);
        StorageKernel.Cast(pool, wide, DType.F32, back, type, 65536);
        for (int i = 0; i < 65536; i++)
        {
            float expected = widen((ushort)i);
            Assert.True(expected.Equals(wide.Span[i]), $"{i:X4} widened to {wide.Span[i]:R}, not {expected:R}");
            if (!float.IsNaN(expected)) Assert.Equal((ushort)i, back.Span[i]);
        }
    }
}
