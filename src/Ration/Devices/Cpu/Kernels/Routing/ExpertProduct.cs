using Ration.Devices.Cpu.MatrixProduct;
using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>The matrices of all experts, stacked: [experts, rows, columns].</summary>
/// <param name="data">The first element.</param>
/// <param name="type">How elements are stored; not planar.</param>
/// <param name="layout">In which order rows lie; in tiles only where a matrix has whole tiles.</param>
/// <param name="shape">[experts, rows, columns].</param>
internal readonly unsafe struct ExpertStack(byte* data, DType type, StorageLayout layout, Shape shape)
{
    /// <summary>How many matrices there are.</summary>
    public nint Experts => (nint)shape[0];

    /// <summary>Rows of a stored matrix.</summary>
    public nint Rows => (nint)shape[1];

    /// <summary>Columns of a stored matrix.</summary>
    public nint Columns => (nint)shape[2];

    /// <summary>How elements are stored.</summary>
    public DType Type => type;

    /// <summary>One matrix.</summary>
    public MatrixOperand Of(nint expert, bool transposed) =>
        new(data + (expert * Rows * (nint)type.Bytes((long)Columns)), type, Columns, transposed, layout, Rows);
}

/// <summary>
/// Products of rows that are arranged by expert with each expert's matrix. The rows of an expert go through the packed product, so that
/// nothing depends on how tokens fell on experts but the time.
/// </summary>
internal static unsafe class ExpertProduct
{
    // The most rows of one product: it bounds for how many sizes the scratch must be known.
    private const nint MostRows = 512;

    /// <summary>Bytes of scratch for <see cref="Multiply"/>.</summary>
    /// <param name="rows">Rows of x.</param>
    /// <param name="w">The matrices; their data is not looked at.</param>
    /// <param name="transposed">Whether they are transposed.</param>
    /// <param name="threads">Workers.</param>
    public static long MultiplyBytes(nint rows, in ExpertStack w, bool transposed, int threads)
    {
        nint inputs = transposed ? w.Columns : w.Rows, outputs = transposed ? w.Rows : w.Columns;
        MatrixOperand part = new(null, DType.F32, inputs, false), matrix = w.Of(0, transposed);
        long largest = 0;
        for (nint m = nint.Min(rows, MostRows); m > 0; m--) largest = Math.Max(largest, Gemm.WorkspaceBytes(part, matrix, m, outputs, inputs, threads));
        return largest;
    }

    /// <summary>y = (accumulate ? y : 0) + x·op(w of the row's expert); op transposes if <paramref name="transposed"/>.</summary>
    public static void Multiply(
        WorkerPool pool, float* x /*[starts[experts], inputs]*/, in ExpertStack w, int* starts /*[experts + 1]*/,
        float* y /*[starts[experts], outputs]*/, bool transposed, bool accumulate, byte* workspace /*MultiplyBytes*/)
    {
        nint inputs = transposed ? w.Columns : w.Rows, outputs = transposed ? w.Rows : w.Columns;
        for (nint expert = 0; expert < w.Experts; expert++)
        {
            MatrixOperand matrix = w.Of(expert, transposed);
            for (nint row = starts[expert]; row < starts[expert + 1]; row += MostRows)
            {
                nint rows = nint.Min(MostRows, starts[expert + 1] - row);
                MatrixOperand part = new(x + (row * inputs), DType.F32, inputs, false);
                Gemm.Multiply(pool, part, matrix, y + (row * outputs), outputs, rows, outputs, inputs, accumulate, workspace);
            }
        }
    }

    /// <summary>Bytes of scratch for <see cref="WeightGradient"/>.</summary>
    public static long WeightGradientBytes(nint rows, nint p, nint q, int threads)
    {
        long largest = 0;
        for (nint k = nint.Min(rows, MostRows); k > 0; k--) largest = Math.Max(largest, Gemm.WorkspaceBytes(p, q, k, threads));
        return largest;
    }

    /// <summary>dw[e] = (accumulate ? dw[e] : 0) + Σ over the rows of expert e of u ⊗ v.</summary>
    public static void WeightGradient(
        WorkerPool pool, float* u /*[starts[experts], p]*/, float* v /*[starts[experts], q]*/, int* starts /*[experts + 1]*/,
        float* dw /*[experts, p, q]*/, nint experts, nint p, nint q, bool accumulate, byte* workspace /*WeightGradientBytes*/)
    {
        for (nint expert = 0; expert < experts; expert++)
        {
            float* gradient = dw + (expert * p * q);
            nint row = starts[expert], end = starts[expert + 1];
            if (row == end && !accumulate) StorageKernel.Fill(pool, gradient, 0, p * q);
            for (bool add = accumulate; row < end; row += MostRows, add = true)
            {
                MatrixOperand left = new(u + (row * p), DType.F32, p, true), right = new(v + (row * q), DType.F32, q, false);
                Gemm.Multiply(pool, left, right, gradient, q, p, q, nint.Min(MostRows, end - row), add, workspace);
            }
        }
    }
}
