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
