using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Graphs.Ops;

namespace Ration.Tests.Devices.Cpu.Kernels;

/// <summary>Kernels that save activations, on odd sizes and data of any alignment; what they compute, the cases of ops say.</summary>
[Trait("Category", "Kernel")]
public unsafe class SavedActivationKernelTests
{
    [Fact]
    public void Two_bits_an_element_are_packed_wherever_they_lie()
    {
        TwoBitSlopes slopes = TwoBitSlopes.Of(ActivationFunction.Gelu);
        float[] table = [0, slopes.FirstSlope, slopes.SecondSlope, 1];
        using WorkerPool pool = new(3);
        foreach (int columns in (int[])[1, 3, 4, 5, 33, 67])
        {
            const int Rows = 19;
            using Guarded<float> x = new(Check.Random(Rows * columns, 1, 4), 1), y = new(Rows * columns, 2), expected = new(Rows * columns), dx = new(Check.Random(Rows * columns, 2), 3);
            using Guarded<byte> codes = new(Rows * (int)TwoBitSlopes.CodeBytes(columns), 1);
            float[] dy = dx.ToArray(), before = x.ToArray();
            TwoBitActivationKernel.Forward<Gelu>(pool, x, y, codes, Rows, columns, slopes);
            ActivationKernel.Forward<Gelu>(pool, x, expected, Rows * columns);
            Check.Same(expected.Span, y.Span);
            TwoBitActivationKernel.Backward(pool, dx, codes, dx, Rows, columns, slopes);
            for (int i = 0; i < before.Length; i++)
            {
                int code = (before[i] > slopes.FirstThreshold ? 1 : 0) + (before[i] > slopes.SecondThreshold ? 1 : 0) + (before[i] > slopes.ThirdThreshold ? 1 : 0);
                Assert.Equal(dy[i] * table[code], dx.Span[i]);
            }
        }
    }

    [Fact]
    public void Eight_bits_come_back_within_a_step_on_any_number_of_threads()
    {
        using WorkerPool one = new(1), three = new(3);
        foreach ((int rows, int groups, int group) in ((int, int, int)[])[(1, 1, 1), (19, 3, 7), (331, 2, 33), (3, 1, 20_001)])
        {
            int count = rows * groups * group;
            using Guarded<float> x = new(Check.Random(count, 5, 3), 1), back = new(count, 3);
            using Guarded<byte> codes = new(count, 1), again = new(count, 2);
            using Guarded<float> seen = new(2 * groups), estimates = new(2 * groups), scales = new(2 * groups, 1);
            using Guarded<byte> workspace = new((int)ActivationRanges.WorkspaceBytes(rows, groups));
            estimates.Span.Clear();
            ActivationRanges.Find(three, x, rows, groups, group, seen, workspace);
            ActivationQuantization.Renew(seen, estimates, scales, groups, 0.9f);
            ActivationQuantization.Quantize(one, x, codes, scales, 1, count, groups, group, 1, 2, 3);
            ActivationQuantization.Quantize(three, x, again, scales, 1, count, groups, group, 1, 2, 3);
            Assert.True(codes.Span.SequenceEqual(again.Span));
            ActivationQuantization.Dequantize(three, codes, scales, back, rows, groups, group);
            for (int i = 0; i < count; i++)
            {
                int g = i / group % groups;
                Assert.InRange(x.Span[i], seen.Span[g], seen.Span[groups + g]);
                Assert.InRange(Math.Abs(back.Span[i] - x.Span[i]), 0, 1.0001 * scales.Span[groups + g]);
            }
        }
    }

    [Theory]
    [InlineData(8, 4)]
    [InlineData(4, 1)]
    public void Fixed_point_is_within_half_a_step_or_at_the_end_of_its_range(int bits, int fraction)
    {
        double step = Math.Pow(2, -fraction), least = -Math.Pow(2, bits - 1 - fraction), greatest = -least - step;
        using WorkerPool pool = new(3);
        foreach ((int rows, int columns) in ((int, int)[])[(1, 1), (19, 3), (9, 16), (33, 67), (2, 5001)])
        {
            using Guarded<float> x = new(Check.Random(rows * columns, 5, (float)greatest), 1), back = new(rows * columns, 3);
            using Guarded<byte> codes = new(rows * (int)ToFixedPoint.RowBytes(bits, columns), 1);
            FixedPointKernel.Encode(pool, x, codes, rows, columns, bits, fraction);
            FixedPointKernel.Decode(pool, codes, back, rows, columns, bits, fraction);
            for (int i = 0; i < rows * columns; i++) Assert.InRange(Math.Abs(back.Span[i] - Math.Clamp(x.Span[i], least, greatest)), 0, step / 2);
        }

        using Guarded<float> odd = new([float.NaN, float.PositiveInfinity, float.NegativeInfinity, (float)(step / 2), (float)(1.5 * step), 1e30f, -1e30f]), numbers = new(7);
        using Guarded<byte> packed = new((int)ToFixedPoint.RowBytes(bits, 7));
        FixedPointKernel.Encode(pool, odd, packed, 1, 7, bits, fraction);
        FixedPointKernel.Decode(pool, packed, numbers, 1, 7, bits, fraction);
        Assert.Equal([greatest, least, 0, 2 * step, greatest, least], numbers.ToArray()[1..].Select(static v => (double)v));
        Assert.InRange(numbers.Span[0], least, greatest);
    }

    [Fact]
    public void The_largest_of_a_row_are_found_among_equals_and_odd_numbers()
    {
        using WorkerPool pool = new(3);
        foreach ((int rows, int columns, int count) in ((int, int, int)[])[(1, 1, 1), (19, 5, 2), (8, 64, 7), (33, 301, 31), (3, 5, 5)])
        {
            float[] data = [.. Check.Random(rows * columns, 5, 2).Select(static v => MathF.Round(v * 2) / 2)];
            data[^1] = float.NegativeInfinity;
            using Guarded<float> x = new(data, 1), means = new([.. Enumerable.Range(0, rows).Select(static r => r % 3)], 1), values = new(rows * count, 1), back = new(rows * columns, 3);
            using Guarded<int> numbers = new(rows * count, 1);
            using Guarded<byte> workspace = new((int)LargestOfRowsKernel.WorkspaceBytes(columns, 3));
            LargestOfRowsKernel.Keep(pool, x, means, values, numbers, rows, columns, count, workspace);
            LargestOfRowsKernel.Place(pool, values, numbers, means, back, rows, columns, count);
            for (int row = 0; row < rows; row++)
            {
                int[] expected = [.. Enumerable.Range(0, columns).OrderByDescending(i => Math.Abs(data[(row * columns) + i] - (row % 3))).Take(count).Order()];
                Assert.Equal(expected, numbers.ToArray()[(row * count)..((row + 1) * count)]);
                for (int i = 0; i < columns; i++) Assert.Equal(expected.Contains(i) ? data[(row * columns) + i] : row % 3, back.Span[(row * columns) + i]);
            }
        }
    }

    [Fact]
    public void Estimates_follow_what_is_seen_and_the_range_holds_both()
    {
        using Guarded<float> seen = new(2), estimates = new(2), scales = new(2);
        estimates.Span.Clear();
        foreach ((float least, float greatest, double estimate, double range, double low, double high) in ((float, float, double, double, double, double)[])
            [(-1, 3, -1, 4, -1, 3), (-3, 9, -1.2, 4.8, -3, 9), (0, 1, -1.08, 4.42, -1.08, 3.34)])
        {
            (seen.Span[0], seen.Span[1]) = (least, greatest);
            ActivationQuantization.Renew(seen, estimates, scales, 1, 0.9f);
            Check.Close([estimate, range, low, (high - low) / 255], [estimates.Span[0], estimates.Span[1], scales.Span[0], scales.Span[1]], 1e-6, 1e-7);
        }
    }

    [Fact]
    public void Chosen_rows_lie_where_their_numbers_say()
    {
        const int Rows = 57, Width = 11, Chosen = 23;
        using WorkerPool pool = new(2);
        using Guarded<float> x = new(Check.Random(Rows * Width, 7), 1), weights = new(Chosen, 1), y = new(Chosen * Width, 3);
        using Guarded<int> numbers = new(Chosen, 1);
        using Guarded<byte> workspace = new((int)WinnerTakeAllKernel.WorkspaceBytes(Rows));
        WinnerTakeAllKernel.Choose(pool, x, Rows, Width, numbers, weights, Chosen, new Ration.Tensors.CounterRandom(1, 2), workspace);
        WinnerTakeAllKernel.Gather(pool, x, Width, numbers, weights, y, Chosen);
        for (int i = 0; i < Chosen * Width; i++)
        {
            Assert.InRange(numbers.Span[i / Width], 0, Rows - 1);
            Assert.True(weights.Span[i / Width] > 0);
            Assert.Equal(x.Span[(numbers.Span[i / Width] * Width) + (i % Width)] * weights.Span[i / Width], y.Span[i]);
        }
    }
}
