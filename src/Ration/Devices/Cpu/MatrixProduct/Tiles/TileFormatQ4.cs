using System.Runtime.CompilerServices;
using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>Q4_0: 16 scales, then four bytes of 16 rows at a time; the 8 that is taken from each number is folded into one sum.</summary>
internal readonly unsafe struct TileFormatQ4 : ITileFormat
{
    private const int Scales = 32, UnitBytes = 64, Units = 4, Low = 0x0F0F0F0F;

    public static DType Type => DType.Q4_0;

    // A sum of 16 products of 0 … 15 with −127 … 127 stays within 16 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloat MultiplyAdd<TLanes, TInteger, TFloat>(byte* block, int row, ActivationBlock* rounded, float* values, TFloat sums)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        byte* weights = block + Scales + (4 * row), activations = (byte*)rounded->Levels;
        TInteger mask = TLanes.Integer(Low), low = TLanes.Integer(0), high = low;
        for (int unit = 0; unit < Units; unit++)
        {
            TInteger both = TLanes.Load(weights + (unit * UnitBytes));
            low = TLanes.AddShorts(low, TLanes.MultiplyBytes(TLanes.And(both, mask), TLanes.Broadcast(activations + (4 * unit))));
            high = TLanes.AddShorts(high, TLanes.MultiplyBytes(TLanes.And(TLanes.ShiftRight(both, 4), mask), TLanes.Broadcast(activations + 16 + (4 * unit))));
        }

        TInteger whole = TLanes.MultiplyShorts(TLanes.AddShorts(low, high), TLanes.Integer(0x00010001));
        TFloat scaled = TLanes.MultiplyAdd(TLanes.ToFloat(whole), TLanes.Broadcast(rounded->Scale), TLanes.Broadcast(-8 * rounded->ScaledSum));
        return TLanes.MultiplyAdd(scaled, TLanes.LoadHalves(block + (2 * row)), sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Expand<TLanes, TInteger, TFloat>(byte* block, int row, float* target, nint stride)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TFloat scale = TLanes.LoadHalves(block + (2 * row)), minusEight = TLanes.Broadcast(-8f);
        TInteger mask = TLanes.Integer(0xF);
        byte* weights = block + Scales + (4 * row);
        for (int unit = 0; unit < Units; unit++)
        {
            TInteger both = TLanes.Load(weights + (unit * UnitBytes));
            for (int i = 0; i < 4; i++, target += stride, both = TLanes.ShiftRight(both, 8))
            {
                TFloat low = TLanes.ToFloat(TLanes.And(both, mask)), high = TLanes.ToFloat(TLanes.And(TLanes.ShiftRight(both, 4), mask));
                TLanes.Store(TLanes.Multiply(TLanes.Add(low, minusEight), scale), target);
                TLanes.Store(TLanes.Multiply(TLanes.Add(high, minusEight), scale), target + (16 * stride));
            }
        }
    }
}
