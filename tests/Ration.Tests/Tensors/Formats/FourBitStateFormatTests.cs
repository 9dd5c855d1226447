using System.Runtime.InteropServices;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Tensors.Formats;

/// <summary>State in 4 bits against the paper's two codes, made anew here in float64.</summary>
[Trait("Category", "Kernel")]
public class FourBitStateFormatTests
{
    private const int Block = 128, Codes = 16;

    /// <summary>
    /// The sixteen values. With a sign: in each of three decades up to one the middles of 2^d equal parts and their opposites, zero and one. Without:
    /// equal steps to one, but for zero.
    /// </summary>
    internal static double[] Values(bool signed)
    {
        if (!signed) return [.. Enumerable.Range(1, Codes).Select(static i => i / (double)Codes)];
        List<double> values = [0, 1];
        for (int decade = 0; decade < 3; decade++)
        {
            int parts = 1 << decade;
            IEnumerable<double> middles = Enumerable.Range(0, parts).Select(i => Math.Pow(10, decade - 2) * (0.1 + (0.9 * (i + 0.5) / parts)));
            foreach (double middle in middles) values.AddRange([middle, -middle]);
        }

        return [.. values.Order()];
    }

    /// <summary>What comes back of numbers in blocks of 128.</summary>
    internal static double[] RoundTrip(double[] values, bool signed) => DynamicFormatTests.RoundTrip(values, Values(signed), Block);

    [Theory]
    [InlineData(DType.Dynamic4, true)]
    [InlineData(DType.LinearUnsigned4, false)]
    public void The_sixteen_codes_are_those_of_the_paper(DType type, bool signed)
    {
        byte[] stored = EachCode(1);
        float[] values = new float[Block];
        TensorCodec.Decode(type, stored, values);
        Assert.All(values, static v => Assert.False(v == 0 && float.IsNegative(v)));
        float[] distinct = [.. values.Distinct().Order()];
        double[] expected = Values(signed);
        Assert.Equal(Codes, distinct.Length);
        for (int i = 0; i < Codes; i++) Assert.Equal(expected[i], distinct[i], 1e-7);
    }

    [Theory]
    [InlineData(DType.Dynamic4)]
    [InlineData(DType.LinearUnsigned4)]
    public void Every_code_comes_back_as_itself(DType type)
    {
        byte[] stored = EachCode(0.37f), again = new byte[stored.Length];
        float[] values = new float[Block];
        TensorCodec.Decode(type, stored, values);
        TensorCodec.Encode(type, values, again);
        Assert.Equal(stored, again);
    }

    [Theory]
    [InlineData(DType.Dynamic4, true)]
    [InlineData(DType.LinearUnsigned4, false)]
    public void Numbers_go_to_the_nearest_code(DType type, bool signed) => DynamicFormatTests.AssertNearest(type, Values(signed), 3.5);

    [Fact]
    public void What_is_divided_by_never_becomes_zero()
    {
        float[] x = new float[Block], back = new float[Block];
        for (int i = 0; i < Block; i++) x[i] = i switch { 0 => 3, _ => (i % 4) switch { 0 => 0, 1 => 1e-30f, 2 => -1, _ => float.NaN } };
        byte[] stored = new byte[DType.LinearUnsigned4.Bytes(Block)];
        TensorCodec.Encode(DType.LinearUnsigned4, x, stored);
        TensorCodec.Decode(DType.LinearUnsigned4, stored, back);
        Assert.Equal(3, back[0]);
        Assert.All(back[1..], static b => Assert.Equal(3 / 16f, b));
    }

    // Blocks in which every code stands eight times.
    private static byte[] EachCode(float greatest)
    {
        byte[] stored = new byte[sizeof(float) + (Block / 2)];
        MemoryMarshal.Write(stored, greatest);
        for (int i = 0; i < Block / 2; i++) stored[sizeof(float) + i] = (byte)((i % Codes) | ((Codes - 1 - (i % Codes)) << 4));
        return stored;
    }
}
