using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Graphs;
using Ration.Tensors;
using Ration.Tests.Devices.Cpu.MatrixProduct;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class RoutingKernelTests
{
    private const int Tokens = 70, Count = 13, Chosen = 3;

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        float[] logits = Check.Random(Tokens * Count, 1, 3);
        float[] first = Weights(logits, 1, normalize: true), gradient = Gradient(logits, 1);
        foreach (int threads in (int[])[2, 3])
        {
            Check.Same(first, Weights(logits, threads, normalize: true));
            Check.Same(gradient, Gradient(logits, threads));
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(0f)]
    public void Logits_that_decide_nothing_still_choose_each_expert_once(float logit)
    {
        float[] logits = new float[Tokens * Count];
        Array.Fill(logits, logit);
        Route(logits, 2, false, out float[] weights, out int[] experts, out int[] places, out int[] starts);
        Assert.All(experts.Chunk(Chosen), static chosen => Assert.Equal([0, 1, 2], chosen));
        Assert.Equal(Enumerable.Range(0, Tokens * Chosen), places.Order());
        Assert.Equal([0, Tokens, 2 * Tokens, .. Enumerable.Repeat(3 * Tokens, Count - 2)], starts);
        if (logit == 0) Assert.All(weights, static w => Assert.Equal(1f / Count, w, 1e-6f));
    }

    [Fact]
    public void Choices_lie_together_by_expert_in_the_order_of_tokens()
    {
        Route(Check.Random(Tokens * Count, 4, 2), 3, false, out float[] weights, out int[] experts, out int[] places, out int[] starts);
        for (int i = 0; i < Tokens * Chosen; i++)
        {
            Assert.InRange(places[i], starts[experts[i]], starts[experts[i] + 1] - 1);
            int next = Array.FindIndex(experts, i + 1, e => e == experts[i]);
            if (next >= 0) Assert.Equal(places[i] + 1, places[next]);
        }

        for (int t = 0; t < Tokens; t++)
        {
            float[] chosen = [.. Enumerable.Range(t * Chosen, Chosen).Select(i => weights[places[i]])];
            Assert.Equal(chosen.OrderDescending(), chosen);
        }
    }

    [Theory]
    [InlineData(DType.Q8_0, StorageLayout.Rows, 5)]
    [InlineData(DType.Q4_0, StorageLayout.Rows, 5)]
    [InlineData(DType.Q4_0, StorageLayout.Tiles, 16)]
    [InlineData(DType.Q8_0, StorageLayout.Tiles, 32)]
    [InlineData(DType.Q4_K, StorageLayout.Rows, 7)]
    [InlineData(DType.F16, StorageLayout.Rows, 9)]
    public void Stacked_matrices_of_every_format_multiply_the_rows_of_their_expert(DType type, StorageLayout layout, int outputs)
    {
        const int Experts = 3, Inputs = 256;
        int[] first = [0, 1, 1, 24];
        using WorkerPool pool = new(2);
        using QuantizedMatrix stack = new(type, layout, Experts * outputs, Inputs, seed: 3);
        float[] activations = stack.Activations(first[^1]);
        using Guarded<float> x = new(activations), y = new(first[^1] * outputs);
        using Guarded<int> starts = new(first);
        ExpertStack weights = new(stack.Operand(true).Data, type, layout, new Shape(Experts, outputs, Inputs));
        using Guarded<byte> workspace = new((nint)ExpertProduct.MultiplyBytes(first[^1], weights, transposed: true, 2));
        ExpertProduct.Multiply(pool, x, weights, starts, y, transposed: true, accumulate: false, workspace);
        // Tiles are multiplied by rounded activations.
        double tolerance = layout == StorageLayout.Tiles ? 5e-3 : 1e-5;
        for (int row = 0; row < first[^1]; row++)
        {
            int expert = row == 0 ? 0 : 2;
            for (int column = 0; column < outputs; column++)
            {
                (double sum, double magnitude) = stack.Product(activations.AsSpan(row * Inputs, Inputs), (expert * outputs) + column);
                Assert.True(Math.Abs(sum - y.Span[(row * outputs) + column]) <= tolerance * magnitude, $"row {row}, column {column} is {y.Span[(row * outputs) + column]}, must be {sum}");
            }
        }
    }

    private static float[] Weights(float[] logits, int threads, bool normalize)
    {
        Route(logits, threads, normalize, out float[] weights, out _, out _, out _);
        return weights;
    }

    private static void Route(float[] logits, int threads, bool normalize, out float[] weights, out int[] experts, out int[] places, out int[] starts)
    {
        using WorkerPool pool = new(threads);
        using Guarded<float> x = new(logits, 1), w = new(Tokens * Chosen, 3);
        using Guarded<int> e = new(Tokens * Chosen), p = new(Tokens * Chosen), s = new(Count + 1);
        using Guarded<byte> workspace = new((nint)RoutingKernel.WorkspaceBytes(Tokens, Chosen));
        RoutingKernel.Forward(pool, x, w, e, p, s, Tokens, Count, Chosen, normalize, workspace);
        (weights, experts, places, starts) = (w.ToArray(), e.ToArray(), p.ToArray(), s.ToArray());
    }

    private static float[] Gradient(float[] logits, int threads)
    {
        Route(logits, 1, false, out _, out int[] experts, out int[] places, out _);
        using WorkerPool pool = new(threads);
        using Guarded<float> dw = new(Check.Random(Tokens * Chosen, 2), 1), x = new(logits), dx = new(logits.Length, 2);
        using Guarded<int> e = new(experts), p = new(places);
        RoutingKernel.Backward(pool, dw, x, e, p, dx, Tokens, Count, Chosen, normalize: false);
        return dx.ToArray();
    }
}
