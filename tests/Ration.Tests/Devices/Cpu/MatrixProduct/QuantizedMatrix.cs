using Ration.Devices.Cpu.MatrixProduct;
using Ration.Graphs;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Devices.Cpu.MatrixProduct;

/// <summary>A random matrix in a storage format, in either layout, and what it stands for.</summary>
internal sealed unsafe class QuantizedMatrix : IDisposable
{
    private readonly float[] _values;
    private readonly GuardedBuffer _stored;
    private readonly Random _random;

    public QuantizedMatrix(DType type, StorageLayout layout, nint rows, nint columns, int seed)
        : this(type, layout, rows, columns, Random(type, rows, columns, seed), seed)
    {
    }

    public QuantizedMatrix(DType type, StorageLayout layout, nint rows, nint columns, byte[] stored, int seed = 0)
    {
        (Type, Layout, Rows, Columns) = (type, layout, rows, columns);
        _random = new Random(seed);
        _values = new float[rows * columns];
        TensorCodec.Decode(type, stored, _values);
        _stored = new GuardedBuffer(stored.Length);
        Span<byte> target = new(_stored.Data, stored.Length);
        stored.CopyTo(target);
        if (layout == StorageLayout.Rows) return;
        int tile = (int)type.Bytes((long)columns) * TiledRows.Rows;
        for (int at = 0; at + tile <= stored.Length; at += tile) TiledRows.Arrange(type, stored.AsSpan(at, tile), target.Slice(at, tile));
    }

    public DType Type { get; }

    public StorageLayout Layout { get; }

    public nint Rows { get; }

    public nint Columns { get; }

    /// <summary>What element stands for.</summary>
    public float this[nint row, nint column] => _values[(row * Columns) + column];

    public MatrixOperand Operand(bool transposed) => new(_stored.Data, Type, Columns, transposed, Layout, Rows);

    /// <summary>Random rows to multiply with.</summary>
    public float[] Activations(nint m)
    {
        float[] x = new float[m * Columns];
        foreach (ref float value in x.AsSpan()) value = (_random.NextSingle() - 0.5f) * 3;
        return x;
    }

    /// <summary>The product of a row with one row of the matrix in float64, and the sum of its terms' magnitudes.</summary>
    public (double Sum, double Magnitude) Product(ReadOnlySpan<float> x, nint row)
    {
        double sum = 0, magnitude = 0;
        for (int d = 0; d < x.Length; d++)
        {
            double term = (double)x[d] * this[row, d];
            sum += term;
            magnitude += Math.Abs(term);
        }

        return (sum, magnitude);
    }

    public void Dispose() => _stored.Dispose();

    private static byte[] Random(DType type, nint rows, nint columns, int seed)
    {
        var random = new Random(seed);
        byte[] stored = new byte[type.Bytes(new Shape(rows, columns))];
        float[] values = new float[rows * columns];
        foreach (ref float value in values.AsSpan()) value = (random.NextSingle() - 0.4f) * 0.1f;
        TensorCodec.Encode(type, values, stored);
        return stored;
    }
}
