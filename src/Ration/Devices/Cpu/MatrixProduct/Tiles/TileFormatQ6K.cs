using System.Runtime.CompilerServices;
using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>
/// Q6_K: 16 scales, 16 bytes of group scales, then the low four and the upper two bits of the numbers, four bytes of 16 rows at a time.
/// Each half of the block keeps elements l, l + 32, l + 64 and l + 96 together.
/// </summary>
internal readonly unsafe struct TileFormatQ6K : ITileFormat
{
    private const int GroupScales = 32, LowBits = 288, HighBits = 2336, UnitBytes = 64, HalfElements = 128, QuarterElements = 32;

    public static DType Type => DType.Q6_K;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TLanes, TInteger, TFloat>(byte* block, int row, ActivationBlock* rounded, float* values, nint stride, nint rows, float* sums)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TFloat scale = TLanes.LoadHalves(block + (2 * row));
        for (int half = 0; half < 2; half++, rounded += 4 * rows)
        {
            AddQuarter<TLanes, TInteger, TFloat>(block, row, half, 0, scale, rounded, rows, sums);
            AddQuarter<TLanes, TInteger, TFloat>(block, row, half, 1, scale, rounded + rows, rows, sums);
            AddQuarter<TLanes, TInteger, TFloat>(block, row, half, 2, scale, rounded + (2 * rows), rows, sums);
            AddQuarter<TLanes, TInteger, TFloat>(block, row, half, 3, scale, rounded + (3 * rows), rows, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Expand<TLanes, TInteger, TFloat>(byte* block, int row, float* target, nint stride)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TFloat scale = TLanes.LoadHalves(block + (2 * row)), offset = TLanes.Broadcast(-32f);
        TInteger mask = TLanes.Integer(0xFF);
        for (int half = 0; half < 2; half++)
        {
            for (int quarter = 0; quarter < 4; quarter++)
            {
                float* to = target + (((half * HalfElements) + (quarter * QuarterElements)) * stride);
                for (int unit = 0; unit < 8; unit++)
                {
                    TFloat factor = TLanes.Multiply(scale, TLanes.ToFloat(GroupScale<TLanes, TInteger, TFloat>(block, row, half, quarter, unit / 4)));
                    TInteger low = TLanes.Load(block + LowBits + (((16 * half) + (8 * (quarter & 1)) + unit) * UnitBytes) + (4 * row));
                    TInteger numbers = Numbers<TLanes, TInteger, TFloat>(low, TLanes.Load(block + HighBits + (((8 * half) + unit) * UnitBytes) + (4 * row)), quarter);
                    for (int i = 0; i < 4; i++, to += stride, numbers = TLanes.ShiftRight(numbers, 8))
                        TLanes.Store(TLanes.Multiply(TLanes.Add(TLanes.ToFloat(TLanes.And(numbers, mask)), offset), factor), to);
                }
            }
        }
    }

    // 32 elements in two groups of 16. Numbers are stored with 32 added, which one product of group scales and sums of levels takes away.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddQuarter<TLanes, TInteger, TFloat>(
        byte* block, int row, int half, int quarter, TFloat scale, ActivationBlock* rounded, nint rows, float* sums)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        byte* low = block + LowBits + (((16 * half) + (8 * (quarter & 1))) * UnitBytes) + (4 * row), high = block + HighBits + (8 * half * UnitBytes) + (4 * row);
        TInteger w0 = Numbers<TLanes, TInteger, TFloat>(low, high, 0, quarter), w1 = Numbers<TLanes, TInteger, TFloat>(low, high, 1, quarter);
        TInteger w2 = Numbers<TLanes, TInteger, TFloat>(low, high, 2, quarter), w3 = Numbers<TLanes, TInteger, TFloat>(low, high, 3, quarter);
        TInteger w4 = Numbers<TLanes, TInteger, TFloat>(low, high, 4, quarter), w5 = Numbers<TLanes, TInteger, TFloat>(low, high, 5, quarter);
        TInteger w6 = Numbers<TLanes, TInteger, TFloat>(low, high, 6, quarter), w7 = Numbers<TLanes, TInteger, TFloat>(low, high, 7, quarter);
        TInteger first = GroupScale<TLanes, TInteger, TFloat>(block, row, half, quarter, 0), second = GroupScale<TLanes, TInteger, TFloat>(block, row, half, quarter, 1);
        TInteger both = Pair<TLanes, TInteger, TFloat>(first, second), twice = TLanes.AddShorts(both, both);
        first = Pair<TLanes, TInteger, TFloat>(first, first);
        second = Pair<TLanes, TInteger, TFloat>(second, second);
        for (; rows > 0; rows--, rounded++, sums += TLanes.Count)
        {
            byte* levels = (byte*)rounded->Levels;
            TInteger products = TLanes.MultiplyShorts(Products<TLanes, TInteger, TFloat>(w0, w1, levels), first);
            products = TLanes.Add(products, TLanes.MultiplyShorts(Products<TLanes, TInteger, TFloat>(w2, w3, levels + 8), first));
            TInteger others = TLanes.MultiplyShorts(Products<TLanes, TInteger, TFloat>(w4, w5, levels + 16), second);
            others = TLanes.Add(others, TLanes.MultiplyShorts(Products<TLanes, TInteger, TFloat>(w6, w7, levels + 24), second));
            products = TLanes.Add(products, TLanes.MultiplyShorts(TLanes.Broadcast((byte*)&rounded->MinusSixteenLow), twice));
            TFloat scaled = TLanes.Multiply(TLanes.ToFloat(TLanes.Add(products, others)), TLanes.Broadcast(rounded->Scale));
            TLanes.Store(TLanes.MultiplyAdd(scaled, scale, TLanes.Load(sums)), sums);
        }
    }

    // Two products of 0 … 63 and −127 … 127, twice, stay within 16 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInteger Products<TLanes, TInteger, TFloat>(TInteger w0, TInteger w1, byte* levels)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged =>
        TLanes.AddShorts(TLanes.MultiplyBytes(w0, TLanes.Broadcast(levels)), TLanes.MultiplyBytes(w1, TLanes.Broadcast(levels + 4)));

    // Two numbers as the 16-bit halves of a lane.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInteger Pair<TLanes, TInteger, TFloat>(TInteger low, TInteger high)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged => TLanes.Or(TLanes.And(low, TLanes.Integer(0xFFFF)), TLanes.ShiftLeft(high, 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInteger Numbers<TLanes, TInteger, TFloat>(byte* low, byte* high, int unit, int quarter)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged =>
        Numbers<TLanes, TInteger, TFloat>(TLanes.Load(low + (unit * UnitBytes)), TLanes.Load(high + (unit * UnitBytes)), quarter);

    // Four numbers of a row, 0 … 63 each in a byte.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInteger Numbers<TLanes, TInteger, TFloat>(TInteger low, TInteger high, int quarter)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        if (quarter >= 2) low = TLanes.ShiftRight(low, 4);
        TInteger top = quarter switch
        {
            0 => TLanes.ShiftLeft(high, 4),
            1 => TLanes.ShiftLeft(high, 2),
            2 => high,
            _ => TLanes.ShiftRight(high, 2),
        };
        return TLanes.Or(TLanes.And(low, TLanes.Integer(0x0F0F0F0F)), TLanes.And(top, TLanes.Integer(0x30303030)));
    }

    // Groups of 16: two to a quarter, in the order of the elements.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInteger GroupScale<TLanes, TInteger, TFloat>(byte* block, int row, int half, int quarter, int group)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TInteger four = TLanes.Load(block + GroupScales + (((2 * half) + (quarter / 2)) * UnitBytes) + (4 * row));
        return TLanes.ShiftRightSigned(TLanes.ShiftLeft(four, 24 - (quarter % 2 * 16) - (8 * group)), 24);
    }
}
