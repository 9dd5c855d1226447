using System.Runtime.CompilerServices;
using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>Q8_0: 16 scales, then pairs of bytes of 16 rows.</summary>
internal readonly unsafe struct TileFormatQ8 : ITileFormat
{
    private const int Scales = 32, PairBytes = 32, Pairs = 16;

    public static DType Type => DType.Q8_0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloat MultiplyAdd<TLanes, TInteger, TFloat>(byte* block, int row, ActivationBlock* rounded, float* values, TFloat sums)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        byte* weights = block + Scales + (2 * row), activations = (byte*)rounded->WideLevels;
        TInteger even = TLanes.Integer(0), odd = even;
        for (int pair = 0; pair < Pairs; pair += 4)
        {
            even = TLanes.Add(even, Product<TLanes, TInteger, TFloat>(weights, activations, pair));
            odd = TLanes.Add(odd, Product<TLanes, TInteger, TFloat>(weights, activations, pair + 1));
            even = TLanes.Add(even, Product<TLanes, TInteger, TFloat>(weights, activations, pair + 2));
            odd = TLanes.Add(odd, Product<TLanes, TInteger, TFloat>(weights, activations, pair + 3));
        }

        TFloat scale = TLanes.Multiply(TLanes.LoadHalves(block + (2 * row)), TLanes.Broadcast(rounded->Scale));
        return TLanes.MultiplyAdd(TLanes.ToFloat(TLanes.Add(even, odd)), scale, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Expand<TLanes, TInteger, TFloat>(byte* block, int row, float* target, nint stride)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TFloat scale = TLanes.LoadHalves(block + (2 * row));
        byte* weights = block + Scales + (2 * row);
        for (int pair = 0; pair < Pairs; pair++, target += 2 * stride)
        {
            TInteger both = TLanes.LoadPairs(weights + (pair * PairBytes));
            TLanes.Store(TLanes.Multiply(TLanes.ToFloat(TLanes.ShiftRightSigned(TLanes.ShiftLeft(both, 16), 16)), scale), target);
            TLanes.Store(TLanes.Multiply(TLanes.ToFloat(TLanes.ShiftRightSigned(both, 16)), scale), target + stride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInteger Product<TLanes, TInteger, TFloat>(byte* weights, byte* activations, int pair)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged =>
        TLanes.MultiplyShorts(TLanes.LoadPairs(weights + (pair * PairBytes)), TLanes.Broadcast(activations + (pair * 4)));
}
