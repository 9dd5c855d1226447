using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class ElementwiseTests
{
    [Fact]
    public void Loops_agree_with_plain_arithmetic_at_every_length_and_alignment()
    {
        foreach (int count in Check.Counts)
        {
            foreach (int skew in (int[])[0, 1, 8])
            {
                using Guarded<float> x = new(Check.Random(count, 1), skew);
                using Guarded<float> y = new(Check.Random(count, 2), 2 * skew);
                using Guarded<float> z = new(Check.Random(count, 3));
                using Guarded<float> w = new(count, skew + 1);
                float[] a = x.ToArray(), b = y.ToArray(), c = z.ToArray();

                ElementwiseLoops.Unary<Square>(x, w, count);
                Check.Same(Each(count, i => a[i] * a[i]), w.Span);
                ElementwiseLoops.Binary<Subtract>(x, y, w, count);
                Check.Same(Each(count, i => a[i] - b[i]), w.Span);
                ElementwiseLoops.BinaryScalar<Divide>(x, 3f, w, count);
                Check.Same(Each(count, i => a[i] / 3f), w.Span);
                ElementwiseLoops.ScalarBinary<Divide>(3f, x, w, count);
                Check.Same(Each(count, i => 3f / a[i]), w.Span);
                ElementwiseLoops.Ternary<MultiplyAdd>(x, y, z, w, count);
                Check.Same(Each(count, i => MathF.FusedMultiplyAdd(a[i], b[i], c[i])), w.Span);
                ElementwiseLoops.TernaryScalar<AddScaled>(x, y, 0.3f, w, count);
                Check.Same(Each(count, i => MathF.FusedMultiplyAdd(0.3f, b[i], a[i])), w.Span);
                ElementwiseLoops.TernaryScalars<Clamp>(x, -0.5f, 0.25f, w, count);
                Check.Same(Each(count, i => Math.Clamp(a[i], -0.5f, 0.25f)), w.Span);
                ElementwiseLoops.Binary<Subtract>(x, y, x, count);
                Check.Same(Each(count, i => a[i] - b[i]), x.Span);
            }
        }
    }

    [Fact]
    public void Operators_are_what_their_names_say()
    {
        float[] values = [-2.5f, -1f, -0f, 0f, 0.5f, 3f, float.NaN];
        Unary<Negate>(values, x => -x);
        Unary<Absolute>(values, MathF.Abs);
        Unary<Sign>(values, x => x > 0 ? 1 : x < 0 ? -1 : 0);
        Unary<SquareRoot>([0f, 2f, 9f], MathF.Sqrt);
        Unary<Reciprocal>([-2f, 3f, 0f], x => 1 / x);
        Binary<Minimum>([1f, 2f, float.NaN], [2f, 1f, 5f], [1f, 1f, 5f]);
        Binary<Maximum>([1f, 2f, float.NaN], [2f, 1f, 5f], [2f, 2f, 5f]);
        Binary<Multiply>([1f, 2f], [2f, 1.5f], [2f, 3f]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whole_tensors_give_the_same_bits_with_any_number_of_threads(int threads)
    {
        const int Count = (3 * (int)ElementwiseKernel.Block) + 77;
        using WorkerPool pool = new(threads);
        using Guarded<float> x = new(Check.Random(Count, 1));
        using Guarded<float> y = new(Check.Random(Count, 2));
        using Guarded<float> z = new(Check.Random(Count, 3));
        using Guarded<float> expected = new(Count);
        using Guarded<float> actual = new(Count);
        ElementwiseLoops.Unary<Exponential>(x, expected, Count);
        ElementwiseKernel.Unary<Exponential>(pool, x, actual, Count);
        Check.Same(expected.Span, actual.Span);
        ElementwiseLoops.Binary<Add>(x, y, expected, Count);
        ElementwiseKernel.Binary<Add>(pool, x, y, actual, Count);
        Check.Same(expected.Span, actual.Span);
        ElementwiseLoops.BinaryScalar<Multiply>(x, 0.1f, expected, Count);
        ElementwiseKernel.BinaryScalar<Multiply>(pool, x, 0.1f, actual, Count);
        Check.Same(expected.Span, actual.Span);
        ElementwiseLoops.Ternary<Interpolate>(x, y, z, expected, Count);
        ElementwiseKernel.Ternary<Interpolate>(pool, x, y, z, actual, Count);
        Check.Same(expected.Span, actual.Span);
        ElementwiseLoops.TernaryScalar<Interpolate>(x, y, 0.1f, expected, Count);
        ElementwiseKernel.TernaryScalar<Interpolate>(pool, x, y, 0.1f, actual, Count);
        Check.Same(expected.Span, actual.Span);
    }

    [Fact]
    public void Reductions_agree_with_double_at_every_length()
    {
        foreach (int count in Check.Counts)
        {
            using Guarded<float> x = new(Check.Random(count, 4), 1);
            using Guarded<float> y = new(Check.Random(count, 5), 2);
            float[] a = x.ToArray(), b = y.ToArray();
            double magnitude = 1e-30 + a.Sum(v => Math.Abs((double)v));
            Assert.InRange(ReductionLoops.Sum(x, count) - a.Sum(v => (double)v), -1e-6 * magnitude, 1e-6 * magnitude);
            Assert.InRange(ReductionLoops.Dot(x, y, count) - a.Zip(b).Sum(p => (double)p.First * p.Second), -1e-6 * magnitude,
                1e-6 * magnitude);
            Assert.InRange(ReductionLoops.SumOfSquares(x, count) - a.Sum(v => (double)v * v), -1e-6 * magnitude, 1e-6 * magnitude);
            Assert.Equal(a.Append(float.NegativeInfinity).Max(), ReductionLoops.Max(x, count));
            ReductionLoops.Axpy(-0.7f, x, y, count);
            Check.Same(Each(count, i => MathF.FusedMultiplyAdd(-0.7f, a[i], b[i])), y.Span);
        }
    }

    private static float[] Each(int count, Func<int, float> f) => [.. Enumerable.Range(0, count).Select(f)];

    private static void Unary<TOperator>(float[] values, Func<float, float> f)
        where TOperator : struct, IUnaryOperator
    {
        // Repeated so that vectors and tail both meet every value.
        float[] many = [.. Enumerable.Repeat(values, 7).SelectMany(v => v)];
        using Guarded<float> x = new(many);
        using Guarded<float> y = new(many.Length);
        ElementwiseLoops.Unary<TOperator>(x, y, many.Length);
        for (int i = 0; i < many.Length; i++) Assert.Equal(f(many[i]), y.Span[i]);
    }

    private static void Binary<TOperator>(float[] left, float[] right, float[] expected)
        where TOperator : struct, IBinaryOperator
    {
        float[] Many(float[] values) => [.. Enumerable.Repeat(values, 19).SelectMany(v => v)];
        using Guarded<float> x = new(Many(left));
        using Guarded<float> y = new(Many(right));
        ElementwiseLoops.Binary<TOperator>(x, y, x, x.Count);
        Assert.Equal(Many(expected), x.ToArray());
    }
}
