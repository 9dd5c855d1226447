using System.Runtime.CompilerServices;
using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>Q4_0: 16 scales, then four bytes of 16 rows at a time; the 8 that is taken from each number is folded into one sum.</summary>
internal readonly unsafe struct TileFormatQ4 : ITileFormat
{
    private const int Scales = 32, UnitBytes = 64, Units = 4, Low = 0x0F0F0F0F;

    public static DType Type => DType.Q4_0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TLanes, TInteger, TFloat>(byte* block, int row, ActivationBlock* rounded, float* values, nint stride, nint rows, float* sums)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        byte* weights = block + Scales + (4 * row);
        TInteger mask = TLanes.Integer(Low), ones = TLanes.Integer(0x00010001);
        TInteger both0 = TLanes.Load(weights), both1 = TLanes.Load(weights + UnitBytes);
        TInteger both2 = TLanes.Load(weights + (2 * UnitBytes)), both3 = TLanes.Load(weights + (3 * UnitBytes));
        TInteger w0 = TLanes.And(both0, mask), w1 = TLanes.And(both1, mask), w2 = TLanes.And(both2, mask), w3 = TLanes.And(both3, mask);
        TInteger w4 = TLanes.And(TLanes.ShiftRight(both0, 4), mask), w5 = TLanes.And(TLanes.ShiftRight(both1, 4), mask);
        TInteger w6 = TLanes.And(TLanes.ShiftRight(both2, 4), mask), w7 = TLanes.And(TLanes.ShiftRight(both3, 4), mask);
        TFloat scale = TLanes.LoadHalves(block + (2 * row));
        for (; rows > 0; rows--, rounded++, sums += TLanes.Count)
        {
            TInteger halves = ByteProducts.Sum<TLanes, TInteger, TFloat>(w0, w1, w2, w3, w4, w5, w6, w7, (byte*)rounded->Levels);
            TFloat whole = TLanes.ToFloat(TLanes.MultiplyShorts(halves, ones));
            TFloat scaled = TLanes.MultiplyAdd(whole, TLanes.Broadcast(rounded->Scale), TLanes.Broadcast(rounded->MinusEightSums));
            TLanes.Store(TLanes.MultiplyAdd(scaled, scale, TLanes.Load(sums)), sums);
        }
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
