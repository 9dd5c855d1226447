using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public sealed unsafe class GradientFilterTests
{
    private const int Tokens = 300;
    private const int Vocabulary = 1000;
    private const int Width = 24;

    [Fact]
    public void A_threshold_below_every_element_gives_the_exact_gradients()
    {
        (float[] hidden, float[] weight) exact = Gradients(0), filtered = Gradients(1e-30f);
        AssertNear(exact.hidden, filtered.hidden, 1e-5);
        AssertNear(exact.weight, filtered.weight, 1e-5);
    }

    [Fact]
    public void A_threshold_above_every_element_skips_all_tiles()
    {
        (float[] hidden, float[] weight) = Gradients(2);
        Assert.All(hidden, static g => Assert.Equal(0, g));
        Assert.All(weight, static g => Assert.Equal(0, g));
    }

    [Fact]
    public void What_a_threshold_skips_is_bounded_by_it()
    {
        const float Threshold = 1e-3f;
        (float[] hidden, float[] weight) exact = Gradients(0), filtered = Gradients(Threshold);
        double bound = (double)Threshold / Tokens * Vocabulary * 4;
        double greatest = exact.hidden.Zip(filtered.hidden, static (a, b) => Math.Abs(a - b)).Max();
        Assert.InRange(greatest, double.Epsilon, bound);
    }

    // Tokens from 512 on are all but impossible after the first channel: their tiles of the softmax are far below a thousandth.
    private static (float[] Hidden, float[] Weight) Gradients(float threshold)
    {
        using WorkerPool pool = new(2);
        using Arena arena = Arena.Reserve(64 << 20);
        float* hidden = (float*)arena.Pointer, weight = hidden + (Tokens * Width), logSumExp = weight + (Vocabulary * Width);
        float* loss = logSumExp + Tokens, dHidden = loss + 16, dWeight = dHidden + (Tokens * Width);
        int* targets = (int*)(dWeight + (Vocabulary * Width));
        byte* workspace = (byte*)ByteSize.AlignUp((long)(targets + Tokens), 64);
        CounterRandom random = new(5, 6);
        random.FillNormal(0, new Span<float>(hidden, Tokens * Width), 1.5f);
        random.FillNormal(1 << 20, new Span<float>(weight, Vocabulary * Width), 1.5f);
        for (int i = 0; i < Tokens; i++) targets[i] = i % 7 == 0 ? -1 : (i * 37) % 512;
        for (int i = 0; i < Tokens; i++) hidden[i * Width] = 4;
        for (int i = 512; i < Vocabulary; i++) weight[i * Width] = -4;
        LinearCrossEntropyArguments x = new()
        {
            Hidden = hidden,
            Weight = (byte*)weight,
            WeightType = DType.F32,
            Targets = targets,
            Tokens = Tokens,
            Vocabulary = Vocabulary,
            Width = Width,
            Scale = 1f / Tokens,
            FilterThreshold = threshold,
        };
        LinearCrossEntropyKernel.Forward(pool, x, loss, logSumExp, workspace);
        LinearCrossEntropyKernel.Backward(pool, x, logSumExp, dHidden, dWeight, false, workspace);
        return (new Span<float>(dHidden, Tokens * Width).ToArray(), new Span<float>(dWeight, Vocabulary * Width).ToArray());
    }

    private static void AssertNear(float[] expected, float[] actual, double relative)
    {
        double norm = Math.Sqrt(expected.Sum(static v => (double)v * v)), error = Math.Sqrt(expected.Zip(actual, static (a, b) => Math.Pow(a - b, 2)).Sum());
        Assert.True(norm > 0 && error <= relative * norm, $"error {error} of {norm}");
    }
}
