using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class ColumnKernelTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(5, 37, 0)]
    [InlineData(67, 37, 9)]
    [InlineData(3, 20_001, 17_000)]
    public void Columns_go_out_and_back_on_any_number_of_threads(int rows, int columns, int count)
    {
        float[] x = Check.Random((long)rows * columns, 1);
        float[] numbers = [.. Enumerable.Range(0, columns).OrderBy(static i => i * 0x9E3779B9L % 1009).Take(count).Select(static i => (float)i)];
        using Guarded<float> matrix = new(x, 1), places = new(numbers, 1), selected = new(rows * count, 3), back = new(rows * columns, 1);
        foreach (int threads in (int[])[1, 3])
        {
            using WorkerPool pool = new(threads);
            ColumnKernel.Select(pool, matrix, places, selected, rows, columns, count);
            for (int i = 0; i < rows * count; i++) Assert.Equal(x[(i / count * columns) + (int)numbers[i % count]], selected.Span[i]);
            back.Span.Fill(7);
            ColumnKernel.Replace(pool, selected, places, back, rows, columns, count);
            for (int i = 0; i < x.Length; i++) Assert.Equal(numbers.Contains(i % columns) ? x[i] : 7, back.Span[i]);
        }
    }
}
