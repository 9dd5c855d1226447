using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>
/// The matrix product of one thread on packed blocks, for kernels that have their own tiles and workers (attention, the fused
/// head and loss). A packed block is a row of panels [depth, PanelRows] of A or [depth, PanelColumns] of B; it holds f32 whatever
/// the operand's type, belongs to this process's instruction set, and may be multiplied any number of times.
/// </summary>
internal static unsafe class GemmBlock
{
    /// <summary>Rows in a panel of A on this machine.</summary>
    public static int PanelRows => Vector512.IsHardwareAccelerated ? 12 : 6;

    /// <summary>Columns in a panel of B on this machine.</summary>
    public static int PanelColumns =>
        Vector512.IsHardwareAccelerated ? 32 : UseLanes8 ? 16 : Vector128.IsHardwareAccelerated ? 8 : 2;

    private static bool UseLanes8 => Vector256.IsHardwareAccelerated && Fma.IsSupported;

    /// <summary>Bytes of a packed [m, k] block of A.</summary>
    public static nint PackedABytes(nint m, nint k) => Panels(m, PanelRows) * PanelRows * k * sizeof(float);

    /// <summary>Bytes of a packed [k, n] block of B.</summary>
    public static nint PackedBBytes(nint k, nint n) => Panels(n, PanelColumns) * PanelColumns * k * sizeof(float);

    /// <summary>Packs A[row … row + rows, depthStart … depthStart + depth]; any dtype becomes f32.</summary>
    /// <param name="a">The left factor, logically [m, k].</param>
    /// <param name="row">First row.</param>
    /// <param name="rows">Rows to pack.</param>
    /// <param name="depthStart">First column.</param>
    /// <param name="depth">Columns to pack.</param>
    /// <param name="packed"><see cref="PackedABytes"/>(rows, depth) bytes, overwritten.</param>
    public static void PackA(in MatrixOperand a, nint row, nint rows, nint depthStart, nint depth, float* packed)
    {
        if (a.Type.IsQuantized()) QuantizedPacking.Pack(a, !a.Transposed, row, rows, depthStart, depth, PanelRows, packed);
        else PanelPacking.Pack(a.Transposed ? a.At(depthStart, row) : a.At(row, depthStart), a.Type, a.RowStride, !a.Transposed, rows, depth, PanelRows, packed);
    }

    /// <summary>Packs B[depthStart … depthStart + depth, column … column + columns]; any dtype becomes f32.</summary>
    /// <param name="b">The right factor, logically [k, n].</param>
    /// <param name="depthStart">First row.</param>
    /// <param name="depth">Rows to pack.</param>
    /// <param name="column">First column.</param>
    /// <param name="columns">Columns to pack.</param>
    /// <param name="packed"><see cref="PackedBBytes"/>(depth, columns) bytes, overwritten.</param>
    public static void PackB(in MatrixOperand b, nint depthStart, nint depth, nint column, nint columns, float* packed)
    {
        if (b.Type.IsQuantized()) QuantizedPacking.Pack(b, b.Transposed, column, columns, depthStart, depth, PanelColumns, packed);
        else PanelPacking.Pack(b.Transposed ? b.At(column, depthStart) : b.At(depthStart, column), b.Type, b.RowStride, b.Transposed, columns, depth, PanelColumns, packed);
    }

    /// <summary>c [m, n] = (accumulate ? c : 0) + A·B. Nothing outside c's m × n elements is read or written.</summary>
    /// <param name="packedA">A packed block [m, depth].</param>
    /// <param name="packedB">A packed block [depth, n].</param>
    /// <param name="c">The result's first element.</param>
    /// <param name="cStride">Floats from one row of c to the next.</param>
    /// <param name="m">Rows of c.</param>
    /// <param name="n">Columns of c.</param>
    /// <param name="depth">The depth of both blocks; with 0, c is kept or zeroed.</param>
    /// <param name="accumulate">Whether to add to what c holds.</param>
    public static void Multiply(float* packedA, float* packedB, float* c, nint cStride, nint m, nint n, nint depth, bool accumulate)
    {
        if (Vector512.IsHardwareAccelerated)
            Multiply<TwelveRowKernel<Lanes16, Vector512<float>>>(packedA, packedB, c, cStride, m, n, depth, accumulate);
        else if (UseLanes8)
            Multiply<SixRowKernel<Lanes8, Vector256<float>>>(packedA, packedB, c, cStride, m, n, depth, accumulate);
        else if (Vector128.IsHardwareAccelerated)
            Multiply<SixRowKernel<Lanes4, Vector128<float>>>(packedA, packedB, c, cStride, m, n, depth, accumulate);
        else
            Multiply<SixRowKernel<Lanes1, float>>(packedA, packedB, c, cStride, m, n, depth, accumulate);
    }

    /// <summary>Panels of <paramref name="width"/> that hold <paramref name="count"/> rows or columns.</summary>
    internal static nint Panels(nint count, int width) => (count + width - 1) / width;

    // A panel of B stays in the first-level cache while the panels of A pass by it from the second.
    [SkipLocalsInit]
    private static void Multiply<TKernel>(float* a, float* b, float* c, nint cStride, nint m, nint n, nint depth, bool accumulate)
        where TKernel : struct, IMicroKernel
    {
        float* edge = stackalloc float[TKernel.Rows * TKernel.Columns];
        for (nint column = 0; column < n; column += TKernel.Columns, b += TKernel.Columns * depth)
        {
            nint columns = nint.Min(TKernel.Columns, n - column);
            float* panel = a;
            for (nint row = 0; row < m; row += TKernel.Rows, panel += TKernel.Rows * depth)
            {
                nint rows = nint.Min(TKernel.Rows, m - row);
                float* tile = c + (row * cStride) + column;
                if (rows == TKernel.Rows && columns == TKernel.Columns)
                {
                    TKernel.Multiply(panel, b, depth, tile, cStride, accumulate);
                    continue;
                }

                TKernel.Multiply(panel, b, depth, edge, TKernel.Columns, accumulate: false);
                CopyEdge(edge, TKernel.Columns, tile, cStride, rows, columns, accumulate);
            }
        }
    }

    private static void CopyEdge(float* edge, int edgeStride, float* c, nint cStride, nint rows, nint columns, bool accumulate)
    {
        for (nint row = 0; row < rows; row++, edge += edgeStride, c += cStride)
        {
            if (accumulate)
                for (nint column = 0; column < columns; column++) c[column] += edge[column];
            else
                for (nint column = 0; column < columns; column++) c[column] = edge[column];
        }
    }
}
