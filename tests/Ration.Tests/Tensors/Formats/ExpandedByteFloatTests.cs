using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Ration.Tensors;
using Ration.Tensors.Formats;
using Ration.Tests.Devices.Cpu.Kernels;

namespace Ration.Tests.Tensors.Formats;

/// <summary>E4M3 with dynamic range expansion against the paper's formulas in float64.</summary>
[Trait("Category", "Kernel")]
public class ExpandedByteFloatTests
{
    private const int Block = 128;
    private static readonly double s_range = 448 * 512;

    /// <summary>What comes back of numbers in groups of 128.</summary>
    internal static double[] RoundTrip(double[] values)
    {
        double[] result = new double[values.Length];
        for (int start = 0; start < values.Length; start += Block)
        {
            double[] sizes = [.. values.Skip(start).Take(Block).Select(Math.Abs).Where(static v => v > 0)];
            if (sizes.Length == 0) continue;
            double k = Exponent(sizes), most = sizes.Max();
            for (int i = start; i < Math.Min(values.Length, start + Block); i++)
                result[i] = Math.Sign(values[i]) * Math.Pow(ToByteFloat(448 * Math.Pow(Math.Abs(values[i]) / most, k)) / 448, 1 / k) * most;
        }

        return result;
    }

    [Fact]
    public void Groups_of_any_range_come_back_as_the_formulas_say()
    {
        foreach (double decades in (double[])[0, 0.01, 0.5, 2, 4, 5.3, 9, 20])
        {
            float[] x = new float[4 * Block], back = new float[4 * Block];
            Random random = new(5);
            for (int i = 0; i < x.Length; i++) x[i] = (float)((random.Next(2) * 2 - 1) * 3e-4 * Math.Pow(10, -decades * random.NextDouble()));
            x[7] = 0;
            using Guarded<byte> stored = new((nint)DType.F8Expanded.Bytes(x.Length), 1);
            TensorCodec.Encode(DType.F8Expanded, x, stored.Span);
            TensorCodec.Decode(DType.F8Expanded, stored.Span, back);
            double[] expected = RoundTrip([.. x.Select(static v => (double)v)]);
            for (int i = 0; i < x.Length; i++)
            {
                // Where rounding is nearly a tie, F32 may take the other neighbour; then the errors are as large.
                double own = Math.Abs(back[i] - (double)x[i]), model = Math.Abs(expected[i] - x[i]);
                Assert.True(own <= model + (2e-4 * Math.Abs(x[i])), $"{decades} decades: {x[i]:R} became {back[i]:R}, not {expected[i]:R}");
            }
        }
    }

    [Fact]
    public void Expansion_fills_the_range_of_the_format()
    {
        float[] x = Check.Random(Block, 4);
        for (int i = 0; i < Block; i++) x[i] = 1e-9f * (1 + MathF.Abs(x[i]));
        byte[] stored = new byte[136];
        TensorCodec.Encode(DType.F8Expanded, x, stored);
        Assert.Equal(x.Max(), MemoryMarshal.Read<float>(stored));
        Assert.Equal(Exponent([.. x.Select(static v => (double)v)]), MemoryMarshal.Read<float>(stored.AsSpan(4)), 1e-3);
        Assert.Contains((byte)0x7E, stored[8..]);
        Assert.Contains((byte)0x01, stored[8..]);
    }

    [Fact]
    public void Logarithms_and_powers_are_right_to_their_last_places()
    {
        foreach (float x in (float[])[1e-45f, 1e-40f, 1.1754944e-38f, 3e-20f, 0.5f, 0.70710677f, 0.70710683f, 0.99999994f, 1, 1.0000001f, 1.4142135f, 3, 448, 1e30f, float.MaxValue])
        {
            double log = PowersOfTwo.Log(Vector512.Create(x)).ToScalar(), truth = Math.Log2(x);
            Assert.InRange(log - truth, -2e-7 - (2e-7 * Math.Abs(truth)), 2e-7 + (2e-7 * Math.Abs(truth)));
        }

        for (float power = -126; power <= 127; power += 0.37f)
        {
            double value = PowersOfTwo.Of(Vector512.Create(power)).ToScalar(), truth = Math.Pow(2, power);
            Assert.InRange(value / truth, 1 - 3e-7, 1 + 3e-7);
        }

        Assert.Equal(0, PowersOfTwo.Of(Vector512.Create(-127f)).ToScalar());
    }

    private static double Exponent(double[] sizes) => Math.Min(64, Math.Log(s_range) / Math.Log(sizes.Max() / sizes.Min()));

    private static double ToByteFloat(double value)
    {
        double step = Math.Pow(2, Math.Max(-6, Math.Floor(Math.Log2(Math.Max(value, 1e-300)))) - 3);
        return Math.Min(448, Math.Round(value / step) * step);
    }
}
