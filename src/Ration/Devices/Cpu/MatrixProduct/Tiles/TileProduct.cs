using System.Runtime.Intrinsics;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>
/// The product of a few rows with a matrix [n, k] of quantized rows in tiles, as in generation: each tile is read once, in order, and
/// multiplied by all rows of A while it is in the first-level cache. So the speed is the memory's. Only whole tiles; what is left of n
/// is for <see cref="RowProduct"/>.
/// </summary>
internal unsafe struct TileProduct : IParallelWork
{
    /// <summary>The most rows of A for which this beats the packed product.</summary>
    public const int LargestM = 24;

    // Items long enough for the hardware to run ahead in, but enough of them for every worker.
    private const int ItemBytes = 256 << 10, FewestItems = 16;

    /// <summary>A [m, k] in f32.</summary>
    public float* A;
    public nint AStride;

    /// <summary>The rows of A as blocks, [m, k / 32], for formats that round.</summary>
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

    /// <summary>Items of the whole product, from n, k and the type alone.</summary>
    public readonly int Items => checked((int)((Tiles + TilesOfItem - 1) / TilesOfItem));

    /// <summary>Rounds the rows of A, where the format wants it.</summary>
    public readonly void RoundActivations()
    {
        if (!TileFormats.RoundsActivations(Type)) return;
        for (nint row = 0; row < M; row++) ActivationBlock.Quantize(A + (row * AStride), K, Rounded + (row * (K / ActivationBlock.Elements)));
    }

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint from = item * TilesOfItem, to = nint.Min(Tiles, from + TilesOfItem);
        switch (Type)
        {
            case DType.Q8_0: Run<TileFormatQ8>(from, to); break;
            case DType.Q4_0: Run<TileFormatQ4>(from, to); break;
            case DType.Q4_K: Run<TileFormatQ4K>(from, to); break;
            case DType.Q6_K: Run<TileFormatQ6K>(from, to); break;
            case DType.NF4: Run<TileFormatFourBitFloat<NormalFloatCode>>(from, to); break;
            case DType.FP4: Run<TileFormatFourBitFloat<FourBitFloatCode>>(from, to); break;
            default: throw new NotSupportedException($"no product with tiles of {Type}");
        }
    }

    private readonly void Run<TFormat>(nint from, nint to)
        where TFormat : struct, ITileFormat
    {
        if (TileLanes16.IsSupported) Run<TFormat, TileLanes16, Vector512<int>, Vector512<float>>(from, to);
        else if (TileLanes8.IsSupported) Run<TFormat, TileLanes8, Vector256<int>, Vector256<float>>(from, to);
        else Run<TFormat, TileLanes1, int, float>(from, to);
    }

    private readonly void Run<TFormat, TLanes, TInteger, TFloat>(nint from, nint to)
        where TFormat : struct, ITileFormat
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        nint blocks = K / TFormat.Type.BlockElements();
        for (nint tile = from; tile < to; tile++)
        {
            byte* data = B + (tile * TileBytes);
            for (nint line = 0; line < M; line++)
            {
                float* c = C + (line * CStride) + (tile * TiledRows.Rows);
                for (int row = 0; row < TiledRows.Rows; row += TLanes.Count)
                    Multiply<TFormat, TLanes, TInteger, TFloat>(data, row, blocks, Rounded + (line * (K / ActivationBlock.Elements)), A + (line * AStride), c + row);
            }
        }
    }

    private readonly void Multiply<TFormat, TLanes, TInteger, TFloat>(byte* tile, int row, nint blocks, ActivationBlock* rounded, float* values, float* c)
        where TFormat : struct, ITileFormat
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        int elements = TFormat.Type.BlockElements();
        int bytes = TFormat.Type.BlockBytes() * TiledRows.Rows;
        TFloat sums = Accumulate ? TLanes.Load(c) : TLanes.Broadcast(0f);
        for (nint block = 0; block < blocks; block++)
        {
            sums = TFormat.MultiplyAdd<TLanes, TInteger, TFloat>(tile, row, rounded, values, sums);
            tile += bytes;
            rounded += elements / ActivationBlock.Elements;
            values += elements;
        }

        TLanes.Store(sums, c);
    }
}
