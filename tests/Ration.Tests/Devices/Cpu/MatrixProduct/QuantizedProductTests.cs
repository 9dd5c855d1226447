using Ration.Devices.Cpu;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Devices.Cpu.MatrixProduct.Tiles;
using Ration.Graphs;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Devices.Cpu.MatrixProduct;

[Trait("Category", "Kernel")]
public sealed unsafe class QuantizedProductTests : IDisposable
{
    private readonly WorkerPool _pool = new(2);

    public static TheoryData<DType, StorageLayout> Stored
    {
        get
        {
            var data = new TheoryData<DType, StorageLayout>();
            foreach (DType type in Types.Select(static t => t.Data))
            {
                data.Add(type, StorageLayout.Rows);
                if (TileFormats.Supports(type)) data.Add(type, StorageLayout.Tiles);
            }

            return data;
        }
    }

    public static TheoryData<DType> Types => [.. Enum.GetValues<DType>().Where(static t => t.IsReal() && !t.IsFloating())];

    public void Dispose() => _pool.Dispose();

    [Theory]
    [MemberData(nameof(Stored))]
    public void A_product_with_stored_rows_agrees_with_float64(DType type, StorageLayout layout)
    {
        foreach (nint n in (nint[])[1, 15, 16, 17, 48, 67, 130])
            foreach (nint m in (nint[])[1, 2, 3, 5, 24, 25, 61])
                foreach (int blocks in (int[])[1, 3])
                {
                    using QuantizedMatrix b = new(type, layout, n, blocks * nint.Max(type.BlockElements(), 32), seed: (int)(n + m));
                    Check(b, m, accumulate: (m & 1) != 0);
                }
    }

    [Theory]
    [MemberData(nameof(Stored))]
    public void A_deep_product_agrees_with_float64(DType type, StorageLayout layout)
    {
        using QuantizedMatrix b = new(type, layout, 35, 1280, seed: 5);
        Check(b, 1, accumulate: false);
        Check(b, 40, accumulate: true);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_product_with_the_stored_rows_across_agrees_with_float64(DType type)
    {
        using QuantizedMatrix b = new(type, StorageLayout.Rows, 37, 512, seed: 6);
        foreach (nint m in (nint[])[1, 7, 30]) CheckAcross(b, m);
    }

    [Theory]
    [MemberData(nameof(Stored))]
    public void Any_number_of_threads_gives_the_same_bits(DType type, StorageLayout layout)
    {
        using QuantizedMatrix b = new(type, layout, 200, 512, seed: 7);
        foreach (nint m in (nint[])[1, 9, 33, 190])
        {
            float[] x = b.Activations(m);
            float[] one = Multiply(1, b, x, m), two = Multiply(2, b, x, m), three = Multiply(3, b, x, m);
            Assert.Equal(one, two);
            Assert.Equal(one, three);
        }
    }

    private void Check(QuantizedMatrix b, nint m, bool accumulate)
    {
        float[] x = b.Activations(m), y = new float[m * b.Rows];
        if (accumulate) Array.Fill(y, 0.5f);
        Run(_pool, b, x, y, m, accumulate);
        bool rounded = b.Layout == StorageLayout.Tiles && TileFormats.RoundsActivations(b.Type);
        for (nint row = 0; row < m; row++)
        {
            ReadOnlySpan<float> seen = x.AsSpan((int)(row * b.Columns), (int)b.Columns);
            for (nint column = 0; column < b.Rows; column++)
            {
                bool asStored = rounded && column < b.Rows - (b.Rows % TiledRows.Rows);
                (double truth, double magnitude) = b.Product(asStored ? Rounded(seen) : seen, column);
                Assert.InRange(y[(row * b.Rows) + column] - (accumulate ? 0.5 : 0) - truth, -1e-5 * (magnitude + 1e-3), 1e-5 * (magnitude + 1e-3));
            }
        }
    }

    private void CheckAcross(QuantizedMatrix b, nint m)
    {
        float[] x = b.Activations(m)[..(int)(m * b.Rows)], y = new float[m * b.Columns];
        fixed (float* px = x, py = y)
        {
            var a = new MatrixOperand(px, DType.F32, b.Rows, false);
            using var workspace = new GuardedBuffer((nint)Gemm.WorkspaceBytes(a, b.Operand(transposed: false), m, b.Columns, b.Rows, 2));
            Gemm.Multiply(_pool, a, b.Operand(transposed: false), py, b.Columns, m, b.Columns, b.Rows, false, workspace.Data);
        }

        for (nint row = 0; row < m; row++)
            for (nint column = 0; column < b.Columns; column++)
            {
                double truth = 0, magnitude = 0;
                for (nint d = 0; d < b.Rows; d++)
                {
                    double term = (double)x[(row * b.Rows) + d] * b[d, column];
                    truth += term;
                    magnitude += Math.Abs(term);
                }

                Assert.InRange(y[(row * b.Columns) + column] - truth, -1e-5 * (magnitude + 1e-6), 1e-5 * (magnitude + 1e-6));
            }
    }

    // What the rounding of activations is defined to be: blocks of 32 in 127 steps of their greatest magnitude.
    private static float[] Rounded(ReadOnlySpan<float> values)
    {
        float[] rounded = new float[values.Length];
        for (int block = 0; block < values.Length; block += 32)
        {
            float greatest = 0;
            foreach (float value in values.Slice(block, 32)) greatest = MathF.Max(greatest, MathF.Abs(value));
            float scale = greatest / 127, inverse = scale > 0 ? 1 / scale : 0;
            for (int i = block; i < block + 32; i++) rounded[i] = MathF.Round(values[i] * inverse) * scale;
        }

        return rounded;
    }

    private static float[] Multiply(int threads, QuantizedMatrix b, float[] x, nint m)
    {
        using WorkerPool pool = new(threads);
        float[] y = new float[m * b.Rows];
        Run(pool, b, x, y, m, accumulate: false);
        return y;
    }

    private static void Run(WorkerPool pool, QuantizedMatrix b, float[] x, float[] y, nint m, bool accumulate)
    {
        fixed (float* px = x, py = y)
        {
            var a = new MatrixOperand(px, DType.F32, b.Columns, false);
            using var workspace = new GuardedBuffer((nint)Gemm.WorkspaceBytes(a, b.Operand(transposed: true), m, b.Rows, b.Columns, pool.Threads));
            Gemm.Multiply(pool, a, b.Operand(transposed: true), py, b.Rows, m, b.Rows, b.Columns, accumulate, workspace.Data);
        }
    }
}
