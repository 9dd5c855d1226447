using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Tensors.Formats;

[Trait("Category", "Kernel")]
public class FloatFormatTests
{
    /// <summary>A number of eight bits from its definition.</summary>
    private static double Value(int bits, int fraction, int bias)
    {
        int exponent = (bits & 0x7F) >> fraction, rest = bits & ((1 << fraction) - 1);
        double size = exponent == 0
            ? Math.ScaleB(rest, 1 - bias - fraction)
            : Math.ScaleB((1 << fraction) + rest, exponent - bias - fraction);
        if (fraction == 3 && (bits & 0x7F) == 0x7F) size = double.NaN;
        if (fraction == 2 && exponent == 31) size = rest == 0 ? double.PositiveInfinity : double.NaN;
        return bits < 128 ? size : -size;
    }

    [Theory]
    [InlineData(DType.F8E4M3, 3, 7)]
    [InlineData(DType.F8E5M2, 2, 15)]
    public void All_codes_of_eight_bits_are_exact_and_come_back(DType type, int fraction, int bias)
    {
        byte[] codes = [.. Enumerable.Range(0, 256).Select(static c => (byte)c)], again = new byte[256];
        float[] values = new float[256];
        TensorCodec.Decode(type, codes, values);
        TensorCodec.Encode(type, values, again);
        for (int i = 0; i < 256; i++)
        {
            double expected = Value(i, fraction, bias);
            Assert.True(expected.Equals((double)values[i]), $"{i:X2} is {expected:R}, not {values[i]:R}");
            if (double.IsNaN(expected)) Assert.Equal(i < 128 ? 0x7F : 0xFF, again[i]);
            else Assert.Equal(i, again[i]);
        }
    }

    [Theory]
    [InlineData(DType.F8E4M3, 3, 7, 448)]
    [InlineData(DType.F8E5M2, 2, 15, 57344)]
    public void Eight_bits_round_to_nearest_even_and_saturate(DType type, int fraction, int bias, float greatest)
    {
        double[] numbers = [.. Enumerable.Range(0, 128).Select(c => Value(c, fraction, bias)).Where(static v => v < 1e30)];
        List<float> values = [greatest * 1.01f, 1e9f, float.MaxValue, 1e-45f];
        for (int i = 1; i < numbers.Length; i++)
        {
            float middle = (float)((numbers[i] + numbers[i - 1]) / 2);
            values.AddRange([middle, MathF.BitDecrement(middle), MathF.BitIncrement(middle), (float)numbers[i] * 1.0001f]);
        }

        values.AddRange([.. values.Select(static v => -v)]);
        byte[] codes = new byte[values.Count];
        TensorCodec.Encode(type, values.ToArray(), codes);
        for (int i = 0; i < codes.Length; i++)
        {
            double size = Math.Min(Math.Abs(values[i]), greatest);
            int expected = Enumerable.Range(0, numbers.Length).MinBy(c => (Math.Abs(numbers[c] - size), c & 1));
            Assert.True(codes[i] == expected + (values[i] < 0 ? 128 : 0), $"{values[i]:R} became {codes[i]:X2}, not {expected:X2}");
        }
    }

    [Fact]
    public void Infinity_is_kept_where_there_is_one()
    {
        float[] infinite = [float.PositiveInfinity, float.NegativeInfinity];
        byte[] codes = new byte[2];
        TensorCodec.Encode(DType.F8E4M3, infinite, codes);
        Assert.Equal([0x7F, 0xFF], codes);
        TensorCodec.Encode(DType.F8E5M2, infinite, codes);
        Assert.Equal([0x7C, 0xFC], codes);
    }

    [Fact]
    public void All_halves_and_bfloats_are_exact_and_come_back()
    {
        ushort[] bits = [.. Enumerable.Range(0, 65536).Select(static b => (ushort)b)];
        byte[] stored = System.Runtime.InteropServices.MemoryMarshal.AsBytes(bits.AsSpan()).ToArray(), again = new byte[stored.Length];
        float[] values = new float[bits.Length];
        foreach (DType type in (DType[])[DType.F16, DType.BF16])
        {
            TensorCodec.Decode(type, stored, values);
            TensorCodec.Encode(type, values, again);
            for (int i = 0; i < bits.Length; i++)
            {
                float expected = type == DType.F16 ? (float)BitConverter.UInt16BitsToHalf(bits[i]) : BitConverter.UInt32BitsToSingle((uint)i << 16);
                if (float.IsNaN(expected)) Assert.True(float.IsNaN(values[i]));
                else Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(values[i]));
                ushort back = BitConverter.ToUInt16(again, 2 * i);
                if (!float.IsNaN(expected)) Assert.Equal(bits[i], back);
                else Assert.True(type == DType.F16 ? Half.IsNaN(BitConverter.UInt16BitsToHalf(back)) : float.IsNaN(BitConverter.UInt32BitsToSingle((uint)back << 16)));
            }
        }
    }
}
