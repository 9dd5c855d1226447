using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>
/// How blocks of one quantized type are multiplied and expanded where 16 rows lie in tiles (<see cref="Tensors.Formats.TiledRows"/>).
/// A call works on the rows of one vector: those from <c>row</c> on.
/// </summary>
internal unsafe interface ITileFormat
{
    /// <summary>The type.</summary>
    static abstract DType Type { get; }

    /// <summary>
    /// Adds the products of a tile block's rows with the activations that lie at the same place, for some rows of activations: what is
    /// unpacked serves them all.
    /// </summary>
    /// <param name="block">A tile block.</param>
    /// <param name="row">First row of the tile.</param>
    /// <param name="rounded">The activations of the block, where they are rounded: those of a row after those of the row before, those of
    /// the next 32 elements after all rows.</param>
    /// <param name="values">The activations of the block as they are.</param>
    /// <param name="stride">Floats from one row of them to the next.</param>
    /// <param name="rows">Rows of activations.</param>
    /// <param name="sums">[rows] vectors, added to.</param>
    static abstract void MultiplyAdd<TLanes, TInteger, TFloat>(byte* block, int row, ActivationBlock* rounded, float* values, nint stride, nint rows, float* sums)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged;

    /// <summary>Writes the rows of a tile block as floats: element e of row r goes to target[e · stride + r − row].</summary>
    static abstract void Expand<TLanes, TInteger, TFloat>(byte* block, int row, float* target, nint stride)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged;
}
