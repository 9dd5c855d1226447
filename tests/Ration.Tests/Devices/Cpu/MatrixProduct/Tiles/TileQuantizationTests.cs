using Ration.Devices.Cpu;
using Ration.Devices.Cpu.MatrixProduct.Tiles;
using Ration.Graphs.Ops;
using Ration.Tensors;
using Ration.Tensors.Formats;
using Ration.Tests.Devices.Cpu.Kernels;

namespace Ration.Tests.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>Tiles that are made of a matrix: the bytes of its codec but for what is no number, wherever the matrix lies and on any number of threads.</summary>
[Trait("Category", "Kernel")]
public sealed unsafe class TileQuantizationTests
{
    public static TheoryData<DType> Types => [.. Enum.GetValues<DType>().Where(static t => QuantizeMatrix.Accepts(new Shape(32, 32), t))];

    [Theory]
    [MemberData(nameof(Types))]
    public void A_matrix_and_its_transpose_have_the_bytes_of_the_codec(DType type)
    {
        foreach ((int rows, int columns) in ((int, int)[])[(32, 32), (32, 1056), (288, 32), (96, 352), (544, 224)])
        {
            byte[] stored = new byte[type.Bytes(rows * columns)];
            float[] values = Values(rows * columns);
            TensorCodec.Encode(type, values, stored);
            TensorCodec.Decode(type, stored, values);
            float[] turned = [.. Enumerable.Range(0, columns).SelectMany(column => Enumerable.Range(0, rows).Select(row => values[(row * columns) + column]))];
            foreach (int threads in (int[])[1, 3])
            {
                Assert.Equal(Tiles(values, columns), Quantize(stored, type, rows, columns, transpose: false, threads));
                Assert.Equal(Tiles(turned, rows), Quantize(stored, type, rows, columns, transpose: true, threads));
            }
        }
    }

    [Fact]
    public void Every_kind_of_number_that_a_model_can_read_is_a_type()
    {
        DType[] types = [.. Types.Select(static t => t.Data)];
        foreach (DType type in (DType[])[DType.F32, DType.BF16, DType.F16, DType.Q8_0]) Assert.Contains(type, types);
        Assert.DoesNotContain(DType.Q4_K, types);
        Assert.DoesNotContain(DType.I32, types);
    }

    // Ties, both signs of zero, rows of nothing else, the smallest numbers, and what is not finite, each among others.
    private static float[] Values(int count)
    {
        float[] values = Check.Random(count, count, 3);
        for (int i = 0; i < count; i++)
        {
            if (i % 7 == 0) values[i] = (i % 5) - 2.5f;
            if (i / 32 % 11 == 3) values[i] = i % 2 == 0 ? 0f : -0f;
            if (i / 32 % 13 == 5) values[i] *= 1e-41f;
            if (i % 7919 == 100) values[i] = i % 2 == 0 ? float.NaN : float.NegativeInfinity;
        }

        return values;
    }

    private static byte[] Quantize(byte[] stored, DType type, int rows, int columns, bool transpose, int threads)
    {
        using WorkerPool pool = new(threads);
        // Floats at least begin at an element.
        using Guarded<byte> source = new(stored, type == DType.F32 ? 4 : 2), target = new((nint)DType.Q8_0.Bytes(rows * columns), 2);
        TileQuantization work = new() { Source = source, Type = type, Target = target, Rows = rows, Columns = columns, Transpose = transpose };
        pool.Run(ref work, work.Items);
        return target.ToArray();
    }

    private static byte[] Tiles(float[] values, int columns)
    {
        byte[] rows = new byte[DType.Q8_0.Bytes(values.Length)], tiles = new byte[rows.Length];
        TensorCodec.Encode(DType.Q8_0, values, rows);

        // What is no number is not lost.
        for (int block = 0; block < values.Length / 32; block++)
        {
            if (values.AsSpan(block * 32, 32).Contains(float.NaN)) BitConverter.TryWriteBytes(rows.AsSpan(block * 34), Half.NaN);
        }

        int tile = (int)DType.Q8_0.Bytes(columns) * TiledRows.Rows;
        for (int at = 0; at < rows.Length; at += tile) TiledRows.Arrange(DType.Q8_0, rows.AsSpan(at, tile), tiles.AsSpan(at, tile));
        return tiles;
    }
}
