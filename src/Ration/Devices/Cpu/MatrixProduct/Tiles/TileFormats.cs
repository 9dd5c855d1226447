using System.Runtime.Intrinsics;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>The formats whose rows may lie in tiles, and what the packed product needs of them.</summary>
internal static unsafe class TileFormats
{
    /// <summary>Whether there are kernels for tiles of a type.</summary>
    public static bool Supports(DType type) => type is DType.Q8_0 or DType.Q4_0 or DType.Q4_K or DType.Q6_K or DType.NF4 or DType.FP4;

    /// <summary>Whether activations are rounded before a product, and so whether tiles are multiplied as they are for any number of rows.</summary>
    public static bool RoundsActivations(DType type) => type is not (DType.NF4 or DType.FP4);

    /// <summary>Expands one tile over part of its depth: element d of row r goes to target[d · stride + r].</summary>
    /// <param name="type">The tile's type.</param>
    /// <param name="tile">The tile.</param>
    /// <param name="depthStart">First element, at a block's border.</param>
    /// <param name="depth">Elements, up to a block's border.</param>
    /// <param name="target">Overwritten; 16 floats at each step.</param>
    /// <param name="stride">At least 16.</param>
    public static void Expand(DType type, byte* tile, nint depthStart, nint depth, float* target, nint stride)
    {
        switch (type)
        {
            case DType.Q8_0: Expand<TileFormatQ8>(tile, depthStart, depth, target, stride); break;
            case DType.Q4_0: Expand<TileFormatQ4>(tile, depthStart, depth, target, stride); break;
            case DType.Q4_K: Expand<TileFormatQ4K>(tile, depthStart, depth, target, stride); break;
            case DType.Q6_K: Expand<TileFormatQ6K>(tile, depthStart, depth, target, stride); break;
            case DType.NF4: Expand<TileFormatFourBitFloat<NormalFloatCode>>(tile, depthStart, depth, target, stride); break;
            case DType.FP4: Expand<TileFormatFourBitFloat<FourBitFloatCode>>(tile, depthStart, depth, target, stride); break;
            default: throw new NotSupportedException($"no product with tiles of {type}");
        }
    }

    private static void Expand<TFormat>(byte* tile, nint depthStart, nint depth, float* target, nint stride)
        where TFormat : struct, ITileFormat
    {
        if (TileLanes16.IsSupported) Expand<TFormat, TileLanes16, Vector512<int>, Vector512<float>>(tile, depthStart, depth, target, stride);
        else if (TileLanes8.IsSupported) Expand<TFormat, TileLanes8, Vector256<int>, Vector256<float>>(tile, depthStart, depth, target, stride);
        else Expand<TFormat, TileLanes1, int, float>(tile, depthStart, depth, target, stride);
    }

    private static void Expand<TFormat, TLanes, TInteger, TFloat>(byte* tile, nint depthStart, nint depth, float* target, nint stride)
        where TFormat : struct, ITileFormat
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        int elements = TFormat.Type.BlockElements(), bytes = TFormat.Type.BlockBytes() * TiledRows.Rows;
        tile += depthStart / elements * bytes;
        for (; depth > 0; depth -= elements, tile += bytes, target += elements * stride)
        {
            for (int row = 0; row < TiledRows.Rows; row += TLanes.Count) TFormat.Expand<TLanes, TInteger, TFloat>(tile, row, target + row, stride);
        }
    }
}
