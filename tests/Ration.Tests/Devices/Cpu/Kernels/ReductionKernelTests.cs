using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class ReductionKernelTests
{
    [Fact]
    public void Sums_agree_with_double_and_do_not_depend_on_threads()
    {
        foreach (int count in Check.Counts.Append(300_001))
        {
            using Guarded<float> x = new(Check.Random(count, 1), 1);
            using Guarded<byte> workspace = new((nint)ReductionKernel.WorkspaceBytes(count));
            double sum = x.ToArray().Sum(v => (double)v), squares = x.ToArray().Sum(v => (double)v * v);
            float[]? first = null;
            foreach (int threads in (int[])[1, 2, 3])
            {
                using WorkerPool pool = new(threads);
                using Guarded<float> result = new(2);
                ReductionKernel.Sum(pool, x, count, result, workspace);
                ReductionKernel.SumOfSquares(pool, (byte*)x.Pointer, DType.F32, count, result.Pointer + 1, workspace);
                Assert.InRange(result.Span[0] - sum, -1e-3, 1e-3);
                Check.Close([squares], result.Span[1..], 1e-6, 1e-30);
                first ??= result.ToArray();
                Check.Same(first, result.Span);
            }
        }
    }

    [Theory]
    [InlineData(DType.BF16, 300_001)]
    [InlineData(DType.BF16, 7)]
    [InlineData(DType.Q8_0, 299_968)]
    [InlineData(DType.Q8_0, 32)]
    public void The_sum_of_squares_of_stored_numbers_is_that_of_the_numbers_they_stand_for(DType type, int count)
    {
        using Guarded<byte> stored = new((nint)type.Bytes((long)count), 1);
        using Guarded<float> numbers = new(Check.Random(count, 1), 1), result = new(2, 1);
        using Guarded<byte> workspace = new((nint)ReductionKernel.WorkspaceBytes(count));
        using WorkerPool pool = new(2);
        TensorCodec.Store(numbers, stored, type, 0, count);
        TensorCodec.Load(stored, type, 0, numbers, count);
        ReductionKernel.SumOfSquares(pool, stored, type, count, result, workspace);
        ReductionKernel.SumOfSquares(pool, (byte*)numbers.Pointer, DType.F32, count, result.Pointer + 1, workspace);
        Assert.Equal(result.Span[1], result.Span[0]);
        Check.Close([numbers.ToArray().Sum(v => (double)v * v)], result.Span[..1], 1e-5, 1e-30);
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(1, 1)]
    [InlineData(3, 33)]
    [InlineData(100, 300)]
    [InlineData(700, 17)]
    public void A_bias_is_added_to_rows_and_its_gradient_is_their_sum(int rows, int columns)
    {
        using Guarded<float> x = new(Check.Random((long)rows * columns, 1), 1);
        using Guarded<float> bias = new(Check.Random(columns, 2), 2);
        using Guarded<float> y = new((nint)rows * columns, 3);
        using Guarded<float> sum = new(columns, 1);
        using Guarded<byte> workspace = new((nint)ReductionKernel.ColumnSumBytes(rows, columns));
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3])
        {
            using WorkerPool pool = new(threads);
            ReductionKernel.AddBias(pool, x, bias, y, rows, columns);
            for (int i = 0; i < y.Span.Length; i++) Assert.Equal(x.Span[i] + bias.Span[i % columns], y.Span[i]);
            ReductionKernel.ColumnSum(pool, x, sum, rows, columns, accumulate: false, squares: false, workspace);
            ReductionKernel.ColumnSum(pool, x, sum, rows, columns, accumulate: true, squares: false, workspace);
            first ??= sum.ToArray();
            Check.Same(first, sum.Span);
        }

        double[] expected = new double[columns];
        for (int i = 0; i < x.Span.Length; i++) expected[i % columns] += 2.0 * x.Span[i];
        Check.Close(expected, sum.Span, 1e-6, 10);
    }
}
