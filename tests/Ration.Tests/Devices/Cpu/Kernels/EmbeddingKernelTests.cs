using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class EmbeddingKernelTests
{
    private static readonly int[] s_ids = [3, 0, 6, 3, 3, 1, 6, 2, 0, 5, 5, 5, 5, 1, 2, 3, 4, 0, 6];

    [Fact]
    public void Rows_are_gathered_from_every_type()
    {
        foreach (int columns in Check.Counts)
        {
            using WorkerPool pool = new(2);
            using Guarded<float> table = new(Check.Random(7L * columns, 1), 1);
            using Guarded<ushort> narrow = new(7 * columns, 3);
            using Guarded<float> back = new(7 * columns);
            using Guarded<int> ids = new(s_ids);
            using Guarded<float> y = new((nint)s_ids.Length * columns, 2);
            foreach (DType type in (DType[])[DType.F32, DType.BF16, DType.F16])
            {
                void* source = type == DType.F32 ? table.Pointer : narrow.Pointer;
                if (type != DType.F32) StorageKernel.Cast(pool, table, DType.F32, narrow, type, 7 * columns);
                StorageKernel.Cast(pool, source, type, back, DType.F32, 7 * columns);
                EmbeddingKernel.Gather(pool, new MatrixOperand(source, type, columns, transposed: false), ids, y, s_ids.Length, 7);
                for (int t = 0; t < s_ids.Length; t++)
                    Check.Same(back.Span.Slice(s_ids[t] * columns, columns), y.Span.Slice(t * columns, columns), type.ToString());
            }
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(7)]
    public void An_id_outside_the_table_is_refused(int id)
    {
        using WorkerPool pool = new(1);
        using Guarded<float> table = new(7 * 4);
        using Guarded<int> ids = new([2, id]);
        using Guarded<float> y = new(2 * 4);
        Assert.Throws<ArgumentOutOfRangeException>(() => EmbeddingKernel.Gather(pool, new MatrixOperand(table, DType.F32, 4, transposed: false), ids, y, 2, 7));
        Assert.Throws<ArgumentOutOfRangeException>(() => EmbeddingKernel.ScatterAdd(pool, y, ids, table, 2, 4, 7, false));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Gradients_are_added_in_the_order_of_tokens(int threads)
    {
        foreach (int columns in Check.Counts)
        {
            using WorkerPool pool = new(threads);
            using Guarded<float> dy = new(Check.Random((long)s_ids.Length * columns, 1), 1);
            using Guarded<int> ids = new(s_ids);
            using Guarded<float> table = new(Check.Random(7L * columns, 2), 3);
            float[] expected = table.ToArray();
            void Add()
            {
                for (int t = 0; t < s_ids.Length; t++)
                    for (int c = 0; c < columns; c++) expected[(s_ids[t] * columns) + c] += dy.Span[(t * columns) + c];
            }

            Add();
            EmbeddingKernel.ScatterAdd(pool, dy, ids, table, s_ids.Length, columns, 7, accumulate: true);
            Check.Same(expected, table.Span);
            Array.Clear(expected);
            Add();
            EmbeddingKernel.ScatterAdd(pool, dy, ids, table, s_ids.Length, columns, 7, accumulate: false);
            Check.Same(expected, table.Span);
        }
    }
}
