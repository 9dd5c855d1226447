using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class HouseholderKernelTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(33, 33, 33)]
    [InlineData(65, 65, 7)]
    [InlineData(130, 70, 0)]
    [InlineData(131, 69, 1)]
    [InlineData(257, 100, 40)]
    [InlineData(2100, 65, 65)]
    public void A_basis_is_orthonormal_and_spans_the_columns_whatever_their_rank(int rows, int columns, int rank)
    {
        float[] left = Check.Random((long)rows * rank, 1), right = Check.Random((long)rank * columns, 2), x = new float[rows * columns];
        for (int i = 0; i < x.Length; i++)
        {
            for (int k = 0; k < rank; k++) x[i] += left[(i / columns * rank) + k] * right[(k * columns) + (i % columns)];
        }

        using Guarded<float> a = new(x, 1);
        using Guarded<float> q = new(x.Length, 3);
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3])
        {
            using WorkerPool pool = new(threads);
            using Guarded<byte> workspace = new((nint)HouseholderKernel.WorkspaceBytes(rows, columns, threads));
            HouseholderKernel.Orthonormalize(pool, a, q, rows, columns, workspace);
            first ??= q.ToArray();
            Check.Same(first, q.Span);
        }

        AssertOrthonormal(first!, columns);
        AssertSpans(first!, x, columns);
    }

    [Fact]
    public void A_basis_may_overwrite_its_matrix_and_is_the_same_for_a_scaled_one()
    {
        const int Rows = 50, Columns = 37;
        float[] x = Check.Random(Rows * Columns, 1);
        using WorkerPool pool = new(2);
        using Guarded<byte> workspace = new((nint)HouseholderKernel.WorkspaceBytes(Rows, Columns, 2));
        using Guarded<float> q = new(Rows * Columns);
        using Guarded<float> a = new(x);
        HouseholderKernel.Orthonormalize(pool, a, q, Rows, Columns, workspace);
        foreach (int power in (int[])[0, -90, 100])
        {
            using Guarded<float> scaled = new([.. x.Select(v => MathF.ScaleB(v, power))], 1);
            HouseholderKernel.Orthonormalize(pool, scaled, scaled, Rows, Columns, workspace);
            Check.Same(q.ToArray(), scaled.Span);
        }
    }

    private static void AssertOrthonormal(float[] q, int columns)
    {
        for (int i = 0; i < columns; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double dot = 0;
                for (int row = 0; row < q.Length; row += columns) dot += (double)q[row + i] * q[row + j];
                Assert.True(Math.Abs(dot - (i == j ? 1 : 0)) < 3e-6, $"columns {i} and {j}: {dot}");
            }
        }
    }

    // What is left of each column after its projection onto the basis.
    private static void AssertSpans(float[] q, float[] x, int columns)
    {
        int rows = x.Length / columns;
        for (int column = 0; column < columns; column++)
        {
            double[] left = [.. Enumerable.Range(0, rows).Select(row => (double)x[(row * columns) + column])];
            double length = Math.Sqrt(left.Sum(static v => v * v));
            for (int k = 0; k < columns; k++)
            {
                double share = 0;
                for (int row = 0; row < rows; row++) share += q[(row * columns) + k] * left[row];
                for (int row = 0; row < rows; row++) left[row] -= share * q[(row * columns) + k];
            }

            Assert.True(Math.Sqrt(left.Sum(static v => v * v)) <= 3e-6 * length, $"column {column} is not within the space");
        }
    }
}
