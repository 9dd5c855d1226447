using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>
/// The product of rows with a matrix [n, k] of quantized rows in tiles. Each tile block is unpacked once for a group of rows of A, whose
/// sums lie in the first-level cache while the tile passes by. So with few rows, as in generation, the speed is the memory's. A sum is
/// made in the order of depth however many rows there are, so a row's result does not depend on the others. Only whole tiles; what is
/// left of n is for <see cref="RowProduct"/>.
/// </summary>
internal unsafe struct TileProduct : IParallelWork
{
    /// <summary>The most rows of A for which this beats the packed product where activations are not rounded.</summary>
    public const int LargestUnroundedM = 24;

    // Items long enough for the hardware to run ahead in, but enough of them for every worker.
    private const int ItemBytes = 256 << 10, FewestItems = 16, RowsOfItem = 4 * ActivationRows.Group, Alignment = 64;

    /// <summary>A [m, k] in f32.</summary>
    public float* A;
    public nint AStride;

    /// <summary>The rows of A as <see cref="ActivationRows"/> arranges them, for formats that round.</summary>
    public ActivationBlock* Rounded;
    public byte* B;
    public DType Type;
    public float* C;
    public nint CStride;
    public nint M;

    /// <summary>Rows of B in whole tiles.</summary>
    public nint N;
    public nint K;
    public bool Accumulate;

    private readonly nint TileBytes => (nint)Type.Bytes((long)K) * TiledRows.Rows;

    private readonly nint Tiles => N / TiledRows.Rows;

    private readonly nint TilesOfItem => nint.Max(1, nint.Min(ItemBytes / nint.Max(1, TileBytes), Tiles / FewestItems));

    private readonly nint ItemsOfRows => (Tiles + TilesOfItem - 1) / TilesOfItem;

    /// <summary>Items of the whole product, from m, n, k and the type alone.</summary>
    public readonly int Items => checked((int)((M + RowsOfItem - 1) / RowsOfItem * ItemsOfRows));

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        (nint rows, nint tiles) = Math.DivRem(item, ItemsOfRows);
        nint from = tiles * TilesOfItem, to = nint.Min(Tiles, from + TilesOfItem), line = rows * RowsOfItem, end = nint.Min(M, line + RowsOfItem);
        switch (Type)
        {
            case DType.Q8_0: Run<TileFormatQ8>(from, to, line, end); break;
            case DType.Q4_0: Run<TileFormatQ4>(from, to, line, end); break;
            case DType.Q4_K: Run<TileFormatQ4K>(from, to, line, end); break;
            case DType.Q6_K: Run<TileFormatQ6K>(from, to, line, end); break;
            case DType.NF4: Run<TileFormatFourBitFloat<NormalFloatCode>>(from, to, line, end); break;
            case DType.FP4: Run<TileFormatFourBitFloat<FourBitFloatCode>>(from, to, line, end); break;
            default: throw new NotSupportedException($"no product with tiles of {Type}");
        }
    }

    private readonly void Run<TFormat>(nint from, nint to, nint line, nint end)
        where TFormat : struct, ITileFormat
    {
        if (TileLanes16.IsSupported) Run<TFormat, TileLanes16, Vector512<int>, Vector512<float>>(from, to, line, end);
        else if (TileLanes8.IsSupported) Run<TFormat, TileLanes8, Vector256<int>, Vector256<float>>(from, to, line, end);
        else Run<TFormat, TileLanes1, int, float>(from, to, line, end);
    }

    [SkipLocalsInit]
    private readonly void Run<TFormat, TLanes, TInteger, TFloat>(nint from, nint to, nint line, nint end)
        where TFormat : struct, ITileFormat
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        byte* scratch = stackalloc byte[(ActivationRows.Group * TiledRows.Rows * sizeof(float)) + Alignment];
        float* sums = (float*)(scratch + (-(nint)scratch & (Alignment - 1)));
        for (; line < end; line += ActivationRows.Group)
        {
            nint rows = nint.Min(ActivationRows.Group, end - line);
            for (nint tile = from; tile < to; tile++)
            {
                for (int row = 0; row < TiledRows.Rows; row += TLanes.Count) Multiply<TFormat, TLanes, TInteger, TFloat>(tile, row, line, rows, sums);
            }
        }
    }

    private readonly void Multiply<TFormat, TLanes, TInteger, TFloat>(nint tile, int row, nint line, nint rows, float* sums)
        where TFormat : struct, ITileFormat
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        int elements = TFormat.Type.BlockElements(), bytes = TFormat.Type.BlockBytes() * TiledRows.Rows;
        float* c = C + (line * CStride) + (tile * TiledRows.Rows) + row;
        for (nint r = 0; r < rows; r++) TLanes.Store(Accumulate ? TLanes.Load(c + (r * CStride)) : TLanes.Broadcast(0f), sums + (r * TLanes.Count));
        byte* block = B + (tile * TileBytes);
        ActivationBlock* rounded = Rounded + ActivationRows.Start(line, K);
        float* values = A + (line * AStride);
        for (nint depth = 0; depth < K; depth += elements)
        {
            TFormat.MultiplyAdd<TLanes, TInteger, TFloat>(block, row, rounded, values + depth, AStride, rows, sums);
            block += bytes;
            rounded += elements / ActivationBlock.Elements * rows;
        }

        for (nint r = 0; r < rows; r++) TLanes.Store(TLanes.Load(sums + (r * TLanes.Count)), c + (r * CStride));
    }
}
