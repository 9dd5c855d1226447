using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class RandomMatrixKernelTests
{
    // The same on every instruction set: this test runs on each.
    private const ulong Bits = 5512116534063928680;

    [Fact]
    public void Numbers_depend_on_their_place_alone()
    {
        float[] whole = Normal((2 * (int)RandomMatrixKernel.Block) + 77, 1, 3, 9, threads: 1);
        Check.Same(whole, Normal(whole.Length, 1, 3, 9, threads: 3));
        foreach (int count in Check.Counts) Check.Same(whole.AsSpan(0, count), Normal(count, 1, 3, 9, threads: 2));
    }

    [Fact]
    public void Bits_are_the_same_on_every_instruction_set()
    {
        ulong hash = 14695981039346656037;
        foreach (float value in Normal(100_003, 0.7f, 11, 12, threads: 2)) hash = (hash ^ BitConverter.SingleToUInt32Bits(value)) * 1099511628211;
        Assert.Equal(Bits, hash);
    }

    [Fact]
    public void Moments_and_tails_are_those_of_the_normal_law()
    {
        const int Count = 1 << 20;
        float[] x = Normal(Count, 2, 1, 2, threads: 2);
        for (int power = 1; power <= 4; power++)
        {
            // Five standard deviations of the mean of z^power: √((2·power − 1)!! − E²)/√n.
            double mean = x.Average(v => Math.Pow(v / 2, power)), expected = power switch { 2 => 1, 4 => 3, _ => 0 };
            double deviation = Math.Sqrt(power switch { 1 => 1, 2 => 2, 3 => 15, _ => 96 } / (double)Count);
            Assert.InRange(mean, expected - (5 * deviation), expected + (5 * deviation));
        }

        Assert.InRange(x.Count(static v => Math.Abs(v) > 2 * 1.959964), (0.05 * Count) - 1120, (0.05 * Count) + 1120);
        Assert.InRange(x.Zip(x.Skip(1), static (a, b) => a * b / 4).Average(), -0.005, 0.005);
    }

    [Fact]
    public void Seeds_and_streams_are_independent()
    {
        float[] x = Normal(64_000, 1, 1, 2, threads: 1);
        foreach (float[] other in (float[][])[Normal(64_000, 1, 2, 2, 1), Normal(64_000, 1, 1, 3, 1), Normal(64_000, 1, 1, 2 ^ (1UL << 40), 1)])
            Assert.InRange(x.Zip(other, static (a, b) => a * b).Average(), -0.02, 0.02);
    }

    private static float[] Normal(int count, float deviation, ulong seed, ulong stream, int threads)
    {
        using WorkerPool pool = new(threads);
        using Guarded<float> values = new(count, 1);
        RandomMatrixKernel.Fill(pool, values, count, deviation, seed, stream);
        return values.ToArray();
    }
}
