using System.Runtime.InteropServices;
using Ration.Tensors;
using Ration.Tensors.Formats;
using Ration.Tests.Devices.Cpu.Kernels;

namespace Ration.Tests.Tensors.Formats;

/// <summary>The dynamic codes against the paper's construction, made anew here in float64.</summary>
[Trait("Category", "Kernel")]
public class DynamicFormatTests
{
    private const int Block = 256;

    /// <summary>
    /// The 256 values: in each of seven decades up to one, the middles of 2^d equal parts (twice as many without a sign), zero, one and, with
    /// a sign, the middles' opposites.
    /// </summary>
    internal static double[] Values(bool signed)
    {
        List<double> values = [0, 1];
        for (int decade = 0; decade < 7; decade++)
        {
            int parts = 1 << (signed ? decade : decade + 1);
            for (int i = 0; i < parts; i++)
            {
                double middle = Math.Pow(10, decade - 6) * (0.1 + (0.9 * (i + 0.5) / parts));
                values.Add(middle);
                if (signed) values.Add(-middle);
            }
        }

        values.Sort();
        return [.. values];
    }

    /// <summary>What comes back of numbers in blocks of 256.</summary>
    internal static double[] RoundTrip(double[] values, bool signed) => RoundTrip(values, Values(signed), Block);

    /// <summary>What comes back of numbers in blocks that are scaled by their greatest magnitude.</summary>
    internal static double[] RoundTrip(double[] values, double[] codes, int block)
    {
        double[] result = new double[values.Length];
        for (int start = 0; start < values.Length; start += block)
        {
            double greatest = values.Skip(start).Take(block).Max(Math.Abs);
            for (int i = start; i < Math.Min(values.Length, start + block); i++) result[i] = greatest == 0 ? 0 : Nearest(codes, values[i] / greatest) * greatest;
        }

        return result;
    }

    /// <summary>Numbers of all sizes, and those beside the middles between codes, go to the nearest code.</summary>
    internal static void AssertNearest(DType type, double[] codes, double decades)
    {
        int block = type.BlockElements();
        bool signed = codes[0] < 0;
        List<double> values = [];
        Random random = new(3);
        for (int i = 0; i < 40 * block; i++) values.Add((signed && random.Next(2) == 0 ? -1 : 1) * Math.Pow(10, -decades * random.NextDouble()));
        foreach (double code in codes.Zip(codes.Skip(1), static (a, b) => (a + b) / 2)) values.AddRange([code * 0.9999, code * 1.0001]);
        while (values.Count % block != 0) values.Add(0);
        for (int i = 0; i < values.Count; i += block) values[i] = 1;
        float[] x = [.. values.Select(static v => (float)v)], back = new float[values.Count];
        using Guarded<byte> stored = new((nint)type.Bytes(x.Length), 1);
        TensorCodec.Encode(type, x, stored.Span);
        TensorCodec.Decode(type, stored.Span, back);
        for (int i = 0; i < x.Length; i++)
        {
            double nearest = Nearest(codes, x[i]), error = Math.Abs(nearest - x[i]);
            Assert.True(Math.Abs(back[i] - x[i]) <= (error * (1 + 1e-6)) + (2e-6 * Math.Abs(x[i])), $"{x[i]:R} became {back[i]:R}, not {nearest:R}");
        }
    }

    [Theory]
    [InlineData(DType.Dynamic8, true)]
    [InlineData(DType.DynamicUnsigned8, false)]
    public void The_256_codes_are_those_of_the_paper(DType type, bool signed)
    {
        byte[] stored = new byte[4 + Block];
        MemoryMarshal.Write(stored, 1f);
        for (int i = 0; i < Block; i++) stored[4 + i] = (byte)i;
        float[] values = new float[Block];
        TensorCodec.Decode(type, stored, values);
        Assert.Equal(0f, values[0]);
        Assert.All(values, static v => Assert.False(v == 0 && float.IsNegative(v)));
        double[] expected = Values(signed);
        Array.Sort(values);
        Assert.Equal(Block, expected.Length);
        for (int i = 0; i < Block; i++) Assert.InRange(values[i], expected[i] - (1e-6 * Math.Abs(expected[i])), expected[i] + (1e-6 * Math.Abs(expected[i])));
    }

    [Fact]
    public void The_signed_codes_are_those_of_quantized_scales()
    {
        double[] expected = Values(signed: true);
        for (int i = 0; i < Block; i++) Assert.Equal(expected[i], DynamicMap.Values[i], 2e-7 * Math.Abs(expected[i]));
    }

    [Theory]
    [InlineData(DType.Dynamic8)]
    [InlineData(DType.DynamicUnsigned8)]
    public void Every_code_comes_back_as_itself(DType type)
    {
        byte[] stored = new byte[4 + Block], again = new byte[4 + Block];
        MemoryMarshal.Write(stored, 0.37f);
        for (int i = 0; i < Block; i++) stored[4 + i] = (byte)i;
        float[] values = new float[Block];
        TensorCodec.Decode(type, stored, values);
        TensorCodec.Encode(type, values, again);
        Assert.Equal(stored, again);
    }

    [Theory]
    [InlineData(DType.Dynamic8, true)]
    [InlineData(DType.DynamicUnsigned8, false)]
    public void Numbers_go_to_the_nearest_code(DType type, bool signed) => AssertNearest(type, Values(signed), 8.5);

    [Theory]
    [InlineData(DType.Dynamic8)]
    [InlineData(DType.DynamicUnsigned8)]
    [InlineData(DType.Dynamic4)]
    [InlineData(DType.LinearUnsigned4)]
    [InlineData(DType.F8Expanded)]
    public void Cleared_memory_holds_zeros_and_zeros_clear_it(DType type)
    {
        byte[] stored = new byte[type.Bytes(512)];
        float[] back = new float[512];
        Array.Fill(back, 1);
        TensorCodec.Decode(type, stored, back);
        Assert.All(back, static b => Assert.Equal(0, BitConverter.SingleToInt32Bits(b)));
        TensorCodec.Encode(type, back, stored);
        TensorCodec.Decode(type, stored, back);
        Assert.All(back, static b => Assert.Equal(0, BitConverter.SingleToInt32Bits(b)));
    }

    [Fact]
    public void What_is_below_zero_or_no_number_is_zero_without_signs()
    {
        float[] x = Check.Random(Block, 2), back = new float[Block];
        for (int i = 0; i < Block; i++) x[i] = i % 3 == 0 ? -MathF.Abs(x[i]) : i % 3 == 1 ? float.NaN : 0.5f;
        byte[] stored = new byte[DType.DynamicUnsigned8.Bytes(Block)];
        TensorCodec.Encode(DType.DynamicUnsigned8, x, stored);
        TensorCodec.Decode(DType.DynamicUnsigned8, stored, back);
        for (int i = 0; i < Block; i++) Assert.True(i % 3 == 2 ? back[i] > 0.4f : back[i] == 0, $"{x[i]} became {back[i]}");
    }

    [Fact]
    public void What_is_no_number_or_nearly_zero_is_zero_with_either_sign()
    {
        float[] x = Check.Random(Block, 2), back = new float[Block];
        float[] zeros = [float.NaN, -float.NaN, -0f, -1e-8f, -2.7e-7f, float.Epsilon, -float.Epsilon, -1e-30f];
        for (int i = 0; i < Block; i++) x[i] = i % 9 == 8 ? i % 2 == 0 ? 1 : -1 : zeros[i % 9];
        byte[] stored = new byte[DType.Dynamic8.Bytes(Block)];
        TensorCodec.Encode(DType.Dynamic8, x, stored);
        TensorCodec.Decode(DType.Dynamic8, stored, back);
        for (int i = 0; i < Block; i++) Assert.Equal(i % 9 == 8 ? (i % 2 == 0 ? 1 : -0.99296875f) : 0, back[i], 1e-6f);
    }

    private static double Nearest(double[] codes, double value)
    {
        int at = Array.BinarySearch(codes, value);
        if (at >= 0) return codes[at];
        at = ~at;
        if (at == 0) return codes[0];
        if (at == codes.Length) return codes[^1];
        return value - codes[at - 1] <= codes[at] - value ? codes[at - 1] : codes[at];
    }
}
