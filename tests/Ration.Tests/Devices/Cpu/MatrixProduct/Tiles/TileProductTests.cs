using System.Buffers.Binary;
using Ration.Devices.Cpu;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Devices.Cpu.MatrixProduct.Tiles;
using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.MatrixProduct.Tiles;

[Trait("Category", "Kernel")]
public sealed unsafe class TileProductTests : IDisposable
{
    private readonly WorkerPool _pool = new(2);

    public static TheoryData<DType> Rounding => [.. Enum.GetValues<DType>().Where(static t => TileFormats.Supports(t) && TileFormats.RoundsActivations(t))];

    public void Dispose() => _pool.Dispose();

    [Theory]
    [MemberData(nameof(Rounding))]
    public void A_row_gives_the_same_bits_alone_and_among_others(DType type)
    {
        foreach (nint n in (nint[])[16, 37, 130])
            foreach (int blocks in (int[])[1, 3, 5])
            {
                using QuantizedMatrix b = new(type, StorageLayout.Tiles, n, blocks * type.BlockElements(), seed: (int)n);
                CheckRows(b, m: 163);
            }
    }

    [Theory]
    [MemberData(nameof(Rounding))]
    public void Rows_that_are_rounded_in_several_chunks_give_the_same_bits(DType type)
    {
        const int Columns = 1 << 16;
        nint m = ActivationRows.Chunk(Columns) + 5;
        Assert.Equal(32 + 5, m);
        using QuantizedMatrix b = new(type, StorageLayout.Tiles, 16, Columns, seed: 1);
        CheckRows(b, m);
    }

    // The greatest numbers everywhere, so that a sum that left its 16 bits would show.
    [Theory]
    [MemberData(nameof(Rounding))]
    public void Sums_of_the_greatest_numbers_do_not_overflow(DType type)
    {
        const int Columns = 512;
        const nint M = 3;
        foreach (byte filling in (byte[])[0x00, 0x7F, 0x80, 0x81, 0xF0, 0x0F, 0xFF])
        {
            using QuantizedMatrix b = new(type, StorageLayout.Tiles, 16, Columns, Filled(type, 16 * Columns, filling));
            float[] x = new float[M * Columns], y = new float[M * 16];
            for (int i = 0; i < Columns; i++) (x[i], x[Columns + i], x[(2 * Columns) + i]) = (1, -1, i % 3 == 0 ? 1 : -1);
            Multiply(b, x, y, M);
            for (nint row = 0; row < M; row++)
                for (nint column = 0; column < 16; column++)
                {
                    (double truth, double magnitude) = b.Product(x.AsSpan((int)(row * Columns), Columns), column);
                    Assert.InRange(y[(row * 16) + column] - truth, -1e-6 * (magnitude + 1), 1e-6 * (magnitude + 1));
                }
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void What_is_not_finite_shows_in_its_row_alone(float value)
    {
        using QuantizedMatrix b = new(DType.Q8_0, StorageLayout.Tiles, 32, 64, seed: 2);
        float[] x = b.Activations(40), y = new float[40 * 32];
        x[(17 * 64) + 3] = value;
        Multiply(b, x, y, 40);
        for (int i = 0; i < y.Length; i++) Assert.Equal(i / 32 == 17, float.IsNaN(y[i]));
    }

    [Theory]
    [MemberData(nameof(Rounding))]
    public void Scales_that_are_not_finite_show_in_their_column_alone(DType type)
    {
        const int Columns = 512;
        foreach (Half scale in (Half[])[Half.PositiveInfinity, Half.NegativeInfinity, Half.NaN])
        {
            byte[] stored = Filled(type, 32 * Columns, 0x35);
            int row = stored.Length / 32, at = (5 * row) + (type == DType.Q6_K ? 208 : 0);
            BitConverter.TryWriteBytes(stored.AsSpan(at), scale);
            using QuantizedMatrix b = new(type, StorageLayout.Tiles, 32, Columns, stored);
            foreach (int m in (int[])[1, 40])
            {
                float[] y = new float[m * 32];
                Multiply(b, b.Activations(m), y, m);
                for (int i = 0; i < y.Length; i++) Assert.Equal(i % 32 != 5, float.IsFinite(y[i]));
            }
        }
    }

    [Fact]
    public void Scratch_is_bounded_and_no_more_than_the_rounded_rows()
    {
        Assert.Equal(512 * 64 * sizeof(ActivationBlock), Bytes(DType.Q4_0, 512, 2048, 2048));
        Assert.InRange(Bytes(DType.Q8_0, 100_000, 100_000, 1 << 16), 1, 5 << 20);
        Assert.Equal(0, Bytes(DType.NF4, 8, 2048, 2048));
        Assert.Equal(0, Bytes(DType.Q4_0, 0, 2048, 2048));
    }

    private static long Bytes(DType type, nint m, nint n, nint k) => Gemm.WorkspaceBytes(
        new MatrixOperand(null, DType.F32, k, transposed: false), new MatrixOperand(null, type, k, transposed: true, StorageLayout.Tiles, n), m, n, k, 2);

    private static byte[] Filled(DType type, int elements, byte filling)
    {
        byte[] stored = new byte[elements / type.BlockElements() * type.BlockBytes()];
        Array.Fill(stored, filling);
        int[] scales = type switch
        {
            DType.Q8_0 or DType.Q4_0 => [0],
            DType.Q4_K => [0, 2],
            DType.Q6_K => [208],
            _ => throw new NotSupportedException($"where {type} has its scales is not known here"),
        };
        for (int block = 0; block < stored.Length; block += type.BlockBytes())
            foreach (int scale in scales) BinaryPrimitives.WriteHalfLittleEndian(stored.AsSpan(block + scale), (Half)0.25f);
        return stored;
    }

    private void CheckRows(QuantizedMatrix b, nint m)
    {
        float[] x = b.Activations(m), together = new float[m * b.Rows], apart = new float[m * b.Rows];
        Multiply(b, x, together, m);
        // One row, then two, three …
        for (nint row = 0, rows = 1; row < m; row += rows, rows++)
        {
            nint count = nint.Min(rows, m - row);
            float[] y = new float[count * b.Rows];
            Multiply(b, x[(int)(row * b.Columns)..(int)((row + count) * b.Columns)], y, count);
            y.CopyTo(apart, row * b.Rows);
        }

        Assert.Equal(together, apart);
    }

    private void Multiply(QuantizedMatrix b, float[] x, float[] y, nint m)
    {
        fixed (float* px = x, py = y)
        {
            var a = new MatrixOperand(px, DType.F32, b.Columns, false);
            using var workspace = new GuardedBuffer((nint)Gemm.WorkspaceBytes(a, b.Operand(transposed: true), m, b.Rows, b.Columns, _pool.Threads));
            Gemm.Multiply(_pool, a, b.Operand(transposed: true), py, b.Rows, m, b.Rows, b.Columns, false, workspace.Data);
        }
    }
}
