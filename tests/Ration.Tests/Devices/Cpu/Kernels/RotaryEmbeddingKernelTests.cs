using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Graphs.Ops;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class RotaryEmbeddingKernelTests
{
    public static TheoryData<int, int, int, RotaryPairing> Shapes
    {
        get
        {
            TheoryData<int, int, int, RotaryPairing> data = [];
            foreach (RotaryPairing pairing in (RotaryPairing[])[RotaryPairing.Halves, RotaryPairing.Neighbours])
            {
                for (int d = 2; d <= 68; d += 2) data.Add(2, d, d, pairing);
                data.Add(3, 64, 16, pairing);
                data.Add(1, 65, 0, pairing);
                data.Add(4, 128, 128, pairing);
                data.Add(1, 1024, 1024, pairing);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Pairs_turn_by_position_times_frequency(int heads, int dimension, int rotary, RotaryPairing pairing)
    {
        int[] at = [0, 1, 2, 77, 4_095, 131_071, 999_983, 1_048_576, 3, 5];
        using WorkerPool pool = new(2);
        using Guarded<float> x = new(Check.Random((long)at.Length * heads * dimension, 1), 1);
        using Guarded<float> y = new(x.Count, 3);
        using Guarded<float> frequencies = new(rotary / 2, 1);
        using Guarded<int> positions = new(at);
        RotaryFrequencies.Geometric(10_000, rotary).Radians.CopyTo(frequencies.Span);
        RotaryEmbeddingKernel.Apply(pool, x, y, positions, at.Length, heads, dimension, rotary, frequencies, 1, pairing, inverse: false);
        Check.Close(Turn(x.ToArray(), at, heads, dimension, rotary, frequencies.ToArray(), pairing), y.Span, 5e-7, 1);

        RotaryEmbeddingKernel.Apply(pool, y, y, positions, at.Length, heads, dimension, rotary, frequencies, 1, pairing, inverse: true);
        Check.Close(Reference.Doubles(x.ToArray()), y.Span, 1e-6, 1, "back again, in place");
    }

    [Theory]
    [InlineData(3)]
    [InlineData(66)]
    public void Odd_or_too_many_channels_are_refused(int rotary)
    {
        using WorkerPool pool = new(1);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => RotaryEmbeddingKernel.Apply(pool, null, null, null, 0, 1, 64, rotary, null, 1, RotaryPairing.Halves, false));
    }

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        const int Tokens = 50, Heads = 3, Dimension = 40;
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3])
        {
            using WorkerPool pool = new(threads);
            using Guarded<float> x = new(Check.Random(Tokens * Heads * Dimension, 1));
            using Guarded<float> frequencies = new(Dimension / 2);
            using Guarded<int> positions = new([.. Enumerable.Range(0, Tokens)]);
            RotaryFrequencies.Geometric(500_000, Dimension).Radians.CopyTo(frequencies.Span);
            RotaryEmbeddingKernel.Apply(pool, x, x, positions, Tokens, Heads, Dimension, Dimension, frequencies, 1, RotaryPairing.Halves,
                false);
            first ??= x.ToArray();
            Check.Same(first, x.Span);
        }
    }

    private static double[] Turn(float[] x, int[] at, int heads, int dimension, int rotary, float[] frequencies, RotaryPairing pairing)
    {
        double[] y = Reference.Doubles(x);
        for (int token = 0; token < at.Length; token++)
        {
            for (int head = 0; head < heads; head++)
            {
                for (int i = 0; i < rotary / 2; i++)
                {
                    int start = ((token * heads) + head) * dimension;
                    int a = start + (pairing == RotaryPairing.Halves ? i : 2 * i),
                        b = pairing == RotaryPairing.Halves ? a + (rotary / 2) : a + 1;
                    (double sine, double cosine) = Math.SinCos(at[token] * (double)frequencies[i]);
                    y[a] = (x[a] * cosine) - (x[b] * sine);
                    y[b] = (x[b] * cosine) + (x[a] * sine);
                }
            }
        }

        return y;
    }
}
