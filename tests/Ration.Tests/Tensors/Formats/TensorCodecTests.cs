using Ration.Tensors;
using Ration.Tensors.Formats;
using Ration.Tests.Devices.Cpu.Kernels;

namespace Ration.Tests.Tensors.Formats;

[Trait("Category", "Kernel")]
public unsafe class TensorCodecTests
{
    private static readonly float[] s_strange =
        [float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, -float.MaxValue, 1e-45f, -1e-40f, 0f];

    public static TheoryData<DType> Types => [.. Enum.GetValues<DType>().Where(static t => t.IsReal())];

    /// <summary>The greatest error of an element, as a share of the greatest magnitude of its block (of 64 elements at least).</summary>
    private static double ErrorBound(DType type) => type switch
    {
        DType.F32 => 0,
        DType.F16 => 1.0 / 2048,
        DType.BF16 => 1.0 / 256,
        DType.F8E4M3 => 1.0 / 16,
        DType.F8E5M2 => 1.0 / 8,

        // Half a step of the number, and the rounding of scales and least values themselves.
        DType.Q8_0 => (0.5 / 127) + 0.0005,
        DType.Q4_0 => (1.0 / 8) + 0.001,
        DType.Q4_1 => (1.0 / 15) + 0.002,
        DType.Q5_0 => (1.0 / 16) + 0.001,
        DType.Q5_1 => (1.0 / 31) + 0.002,

        // Searches trade the greatest error for the mean one; these would still notice a wrong group, number or scale.
        DType.Q2_K => 0.65,
        DType.Q3_K => 0.35,
        DType.Q4_K => 0.16,
        DType.Q5_K => 0.09,
        DType.Q6_K => 0.05,
        DType.NF4 => 0.1521,
        DType.FP4 => 0.1667,
        DType.NF4Double => 0.16,
        DType.FP4Double => 0.18,

        // Half a part of the highest decade, and for the signed code what is between −0.993 and −1.
        DType.Dynamic8 => 0.0071,
        DType.DynamicUnsigned8 => 0.0036,
        DType.F8Expanded => 1.0 / 16,

        // Half a part of the highest decade, which is as far as −1 from −0.8875; and what is nearly zero from the least code.
        DType.Dynamic4 => 0.1126,
        DType.LinearUnsigned4 => 0.0626,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>The error of a uniform input, root of the mean of squares, in parts of its own.</summary>
    private static double MeanErrorBound(DType type) => type switch
    {
        DType.Q2_K => 0.25,
        DType.Q3_K => 0.14,
        DType.Q4_0 or DType.Q4_1 or DType.Q4_K or DType.NF4 or DType.FP4 or DType.NF4Double or DType.FP4Double or DType.Dynamic4 => 0.12,
        DType.Q5_0 or DType.Q5_1 or DType.Q5_K or DType.F8E5M2 or DType.LinearUnsigned4 => 0.06,
        DType.F8E4M3 or DType.F8Expanded or DType.Q6_K => 0.03,
        DType.Dynamic8 => 0.01,
        DType.Q8_0 or DType.BF16 or DType.DynamicUnsigned8 => 0.005,
        _ => 0.0005,
    };

    [Theory]
    [MemberData(nameof(Types))]
    public void What_was_stored_comes_back_within_the_formats_error(DType type)
    {
        int block = Math.Max(64, type.BlockElements());
        foreach (int blocks in (int[])[1, 3, 37])
        {
            using Guarded<float> x = new(Check.Random((long)blocks * block, blocks), 1);
            using Guarded<byte> stored = new((nint)type.Bytes((long)x.Count), 1);
            using Guarded<float> back = new(x.Count, 1);

            // Blocks of different size must not hurt each other, but for doubly quantized ones, which share the step of their scales.
            for (int i = 0; i < x.Count && !type.IsPlanar(); i++) x.Span[i] *= MathF.Pow(2, (i / block % 9) - 4);
            for (int i = 0; i < x.Count && type is DType.DynamicUnsigned8 or DType.LinearUnsigned4; i++) x.Span[i] = MathF.Abs(x.Span[i]);
            TensorCodec.Encode(type, x.Span, stored.Span);
            TensorCodec.Decode(type, stored.Span, back.Span);
            double squares = 0, errors = 0;
            for (int start = 0; start < x.Count; start += block)
            {
                double greatest = 0;
                for (int i = start; i < start + block; i++) greatest = Math.Max(greatest, Math.Abs(x.Span[i]));
                for (int i = start; i < start + block; i++)
                {
                    double error = Math.Abs((double)x.Span[i] - back.Span[i]);
                    Assert.True(error <= ErrorBound(type) * greatest, $"{type} element {i}: {x.Span[i]:R} came back as {back.Span[i]:R}, block up to {greatest:R}");
                    squares += x.Span[i] * (double)x.Span[i] / (greatest * greatest);
                    errors += error * error / (greatest * greatest);
                }
            }

            double share = Math.Sqrt(errors / squares);
            Assert.True(share <= MeanErrorBound(type), $"{type}: {share:R} of the whole");
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Zeros_come_back_as_zeros(DType type)
    {
        float[] x = new float[512], back = new float[512];
        for (int i = 0; i < 512; i += 3) x[i] = -0f;
        byte[] stored = new byte[type.Bytes(512)];
        TensorCodec.Encode(type, x, stored);
        TensorCodec.Decode(type, stored, back);
        Assert.All(back, static b => Assert.Equal(0, Math.Abs(b)));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Values_that_are_no_weights_do_no_harm(DType type)
    {
        float[] sane = Check.Random(512, 8), x = new float[512];
        for (int kind = 0; kind <= s_strange.Length; kind++)
        {
            for (int every = 1; every <= 64; every *= 4)
            {
                for (int i = 0; i < 512; i++) x[i] = i % every != 0 ? sane[i] : s_strange[kind < s_strange.Length ? kind : i % s_strange.Length];
                AssertBounded(type, x, Decoded(type, Encoded(type, x)));
            }
        }

        // What is subnormal, alone in a block, must not turn into something of another size.
        Array.Fill(x, 1e-40f);
        Assert.All(Decoded(type, Encoded(type, x)), static b => Assert.InRange(Math.Abs(b), 0, 1e-7f));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_block_with_what_is_no_weight_leaves_the_others_as_they_are(DType type)
    {
        float[] sane = Check.Random(512, 8);
        byte[] expected = Encoded(type, sane);
        int elements = type.BlockElements(), block = 256 / elements;

        // Of doubly quantized blocks the scales have a mean in common; their codes are their own.
        (int bytes, int count) = type.IsPlanar() ? (elements / 2, 256) : (type.BlockBytes(), expected.Length);
        foreach (float value in s_strange)
        {
            float[] x = [.. sane];
            x[(block * elements) + (elements / 2)] = value;
            byte[] stored = Encoded(type, x);
            Assert.Equal(expected[..(block * bytes)], stored[..(block * bytes)]);
            Assert.Equal(expected[((block + 1) * bytes)..count], stored[((block + 1) * bytes)..count]);
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Any_bytes_decode(DType type)
    {
        byte[] stored = new byte[type.Bytes(5 * 256)];
        new Random(4).NextBytes(stored);
        using Guarded<float> back = new(5 * 256, 1);
        TensorCodec.Decode(type, stored, back.Span);
    }

    [Fact]
    public void Floats_of_any_count_are_converted()
    {
        foreach (DType type in (DType[])[DType.F32, DType.F16, DType.BF16, DType.F8E4M3, DType.F8E5M2])
        {
            foreach (int count in Check.Counts)
            {
                float[] x = Check.Random(count, 6), expected = new float[count];
                using Guarded<byte> stored = new((nint)type.Bytes((long)count), 1);
                using Guarded<float> back = new(count, 1);
                TensorCodec.Encode(type, x, stored.Span);
                TensorCodec.Decode(type, stored.Span, back.Span);
                for (int i = 0; i < count; i++)
                    Assert.True(Math.Abs(x[i] - back.Span[i]) <= (Math.Abs(x[i]) * ErrorBound(type)) + 0.002, $"{type}: {x[i]:R} came back as {back.Span[i]:R}");
            }
        }
    }

    [Fact]
    public void Lengths_that_do_not_belong_together_are_refused()
    {
        Assert.Throws<ArgumentException>(static () => TensorCodec.Decode(DType.Q4_0, new byte[17], new float[32]));
        Assert.Throws<ArgumentException>(static () => TensorCodec.Decode(DType.Q4_K, new byte[18], new float[32]));
        Assert.Throws<ArgumentException>(static () => TensorCodec.Encode(DType.NF4, new float[64], new byte[37]));
        Assert.Throws<NotSupportedException>(static () => TensorCodec.Decode(DType.I32, new byte[4], new float[1]));
        Assert.Throws<ArgumentException>(static () => FourBitBlocks.Encode(DType.NF4, new float[64], 48, new byte[32], new float[2]));
        Assert.Throws<ArgumentException>(static () => FourBitBlocks.Decode(DType.NF4, new byte[32], new float[2], 64, new float[64]));
        Assert.Throws<ArgumentException>(static () => FourBitBlocks.DecodeScales(new byte[257], new float[1], 0, new float[257]));
    }

    // Nothing is greater than what there was in the block, but for what is no number any more.
    private static void AssertBounded(DType type, float[] x, float[] back)
    {
        int block = type.IsPlanar() ? x.Length : type.BlockElements();

        // Half of the least number that a byte can be.
        double least = type switch { DType.F8E4M3 => Math.ScaleB(1, -10), DType.F8E5M2 => Math.ScaleB(1, -17), _ => 1e-7 };
        for (int start = 0; start < x.Length; start += block)
        {
            double greatest = x.Skip(start).Take(block).Where(float.IsFinite).Select(static v => Math.Abs((double)v)).DefaultIfEmpty().Max();
            for (int i = start; i < start + block; i++)
            {
                bool bounded = !float.IsFinite(back[i]) || Math.Abs(back[i]) <= ((1 + ErrorBound(type)) * greatest) + least;
                Assert.True(bounded, $"{type} element {i}: {x[i]:R} came back as {back[i]:R}, block up to {greatest:R}");
            }
        }
    }

    private static byte[] Encoded(DType type, float[] x)
    {
        byte[] stored = new byte[type.Bytes((long)x.Length)];
        TensorCodec.Encode(type, x, stored);
        return stored;
    }

    private static float[] Decoded(DType type, byte[] stored)
    {
        float[] back = new float[512];
        TensorCodec.Decode(type, stored, back);
        return back;
    }
}
