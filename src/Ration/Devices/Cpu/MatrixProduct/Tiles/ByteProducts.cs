using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>Sums over 32 elements of products of unsigned 4-bit numbers with rounded activations.</summary>
internal static unsafe class ByteProducts
{
    // The weights are elements 0 to 3 of each lane's row, a byte each, 4 to 7 and so on; the sum for each lane's row comes in halves of 16
    // bits, within which 16 products of 0 … 15 with −127 … 127 stay. Two sums grow side by side, so that one need not wait for the other.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TInteger Sum<TLanes, TInteger, TFloat>(
        TInteger w0, TInteger w1, TInteger w2, TInteger w3, TInteger w4, TInteger w5, TInteger w6, TInteger w7, byte* levels)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TInteger low = TLanes.MultiplyBytes(w0, TLanes.Broadcast(levels)), high = TLanes.MultiplyBytes(w4, TLanes.Broadcast(levels + 16));
        low = TLanes.AddShorts(low, TLanes.MultiplyBytes(w1, TLanes.Broadcast(levels + 4)));
        high = TLanes.AddShorts(high, TLanes.MultiplyBytes(w5, TLanes.Broadcast(levels + 20)));
        low = TLanes.AddShorts(low, TLanes.MultiplyBytes(w2, TLanes.Broadcast(levels + 8)));
        high = TLanes.AddShorts(high, TLanes.MultiplyBytes(w6, TLanes.Broadcast(levels + 24)));
        low = TLanes.AddShorts(low, TLanes.MultiplyBytes(w3, TLanes.Broadcast(levels + 12)));
        high = TLanes.AddShorts(high, TLanes.MultiplyBytes(w7, TLanes.Broadcast(levels + 28)));
        return TLanes.AddShorts(low, high);
    }
}
