using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.Kernels;

/// <summary>What is written into a cache, and with what error.</summary>
[Trait("Category", "Kernel")]
public sealed unsafe class CacheStorageTests
{
    public static TheoryData<DType> Types => [DType.F32, DType.F16, DType.BF16, DType.Q8_0];

    /// <summary>Without what holds every f32.</summary>
    public static TheoryData<DType> NarrowTypes => [DType.F16, DType.BF16, DType.Q8_0];

    /// <summary>Elements of stored bytes, by the format's definition.</summary>
    public static double[] Decode(ReadOnlySpan<byte> bytes, DType type)
    {
        if (type != DType.Q8_0) return Graphs.Reference.Storage.Decode(bytes, type);
        double[] values = new double[bytes.Length / 34 * 32];
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> block = bytes.Slice(i / 32 * 34, 34);
            values[i] = (double)BitConverter.ToHalf(block) * (sbyte)block[2 + (i % 32)];
        }

        return values;
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Numbers_are_rounded_to_the_nearest_that_the_format_has(DType type)
    {
        foreach (double scale in (double[])[1e-3, 1, 300])
        {
            int count = type == DType.Q8_0 ? 4 * 32 : 77;
            float[] values = Check.Random(count, 3, scale);
            using Guarded<float> source = new(values, 1);
            using Guarded<byte> stored = new((nint)type.Bytes(count), 3);
            CacheStorage.Store(source, stored, type, count);
            double[] back = Decode(stored.Span, type);
            for (int i = 0; i < count; i++)
            {
                double greatest = values.Skip(i / 32 * 32).Take(32).Max(static v => Math.Abs((double)v)), error = Math.Abs(back[i] - values[i]);
                double allowed = type switch
                {
                    DType.F32 => 0,
                    DType.F16 => Math.Max(Math.Abs(values[i]) * Math.ScaleB(1, -11), Math.ScaleB(1, -25)),
                    DType.BF16 => Math.Abs(values[i]) * Math.ScaleB(1, -8),

                    // Half a step; the step is rounded to a half, so that 127 of them may miss the greatest by a little more.
                    _ => (0.5 * greatest / 127 * 1.001) + (greatest * Math.ScaleB(1, -11)) + (127 * Math.ScaleB(1, -25)),
                };
                Assert.True(error <= allowed, $"{type}: {values[i]} became {back[i]}, {error} apart, {allowed} allowed");
            }

            if (type != DType.Q8_0) continue;
            float[] again = new float[count];
            fixed (float* target = again) CacheStorage.LoadEightBit(stored, target, count);
            Check.Close(back, again, 1e-7);
        }
    }

    [Theory]
    [MemberData(nameof(NarrowTypes))]
    public void What_a_format_cannot_hold_becomes_finite(DType type)
    {
        float[] values = new float[32];
        (values[0], values[1], values[2], values[3]) = (float.MaxValue, float.NegativeInfinity, 5, float.NaN);
        using Guarded<float> source = new(values);
        using Guarded<byte> stored = new((nint)type.Bytes(32));
        CacheStorage.Store(source, stored, type, 32);
        double[] back = Decode(stored.Span, type);
        Assert.All(back, static v => Assert.True(double.IsFinite(v)));
        Assert.True(back[0] >= 65504 && back[1] <= -65504 && back[3] == back[0] && back[1] == -back[0]);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Zeros_stay_zeros(DType type)
    {
        using Guarded<float> source = new(new float[64]);
        using Guarded<byte> stored = new((nint)type.Bytes(64));
        CacheStorage.Store(source, stored, type, 64);
        Assert.All(Decode(stored.Span, type), static v => Assert.Equal(0, v));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Tokens_go_to_their_places_and_nowhere_else(DType type)
    {
        const int Rows = 3, Tokens = 5, Capacity = 7, Channels = 64;
        foreach (bool ring in (bool[])[false, true])
        {
            foreach (int threads in (int[])[1, 3])
            {
                float[] values = Check.Random(Rows * Tokens * Channels, 5);
                int[] places = [.. Enumerable.Range(0, Rows * Tokens).Select(static i => i % Tokens == 2 ? -1 : (i % Tokens) + (4 * (i / Tokens)))];
                using WorkerPool pool = new(threads);
                using Guarded<float> source = new(values);
                using Guarded<int> slots = new(places);
                nint bytes = (nint)type.Bytes(Channels);
                using Guarded<byte> cache = new(Rows * Capacity * bytes);
                cache.Span.Fill(0x11);
                byte[] expected = cache.ToArray();
                for (int token = 0; token < Rows * Tokens; token++)
                {
                    int place = places[token];
                    if (place < 0 || (place >= Capacity && !ring)) continue;
                    byte[] one = new byte[bytes];
                    fixed (byte* to = one) CacheStorage.Store(source.Pointer + (token * Channels), to, type, Channels);
                    one.CopyTo(expected, ((token / Tokens * Capacity) + (place % Capacity)) * (int)bytes);
                }

                CacheKernel.Append(pool, source, slots, cache, type, Rows, Tokens, Capacity, Channels, ring);
                Assert.Equal(expected, cache.ToArray());
            }
        }
    }
}
