using System.Runtime.CompilerServices;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>
/// Q6_K: 16 scales, 16 bytes of group scales, then the low four and the upper two bits of the numbers, four bytes of 16 rows at a time.
/// Each half of the block keeps elements l, l + 32, l + 64 and l + 96 together.
/// </summary>
internal readonly unsafe struct TileFormatQ6K : ITileFormat
{
    private const int GroupScales = 32, LowBits = 288, HighBits = 2336, UnitBytes = 64, HalfElements = 128, QuarterElements = 32, GroupUnits = 4;

    public static DType Type => DType.Q6_K;

    // Half of a half at a time: 16 elements of each quarter, which have one scale. Every vector of bits is loaded once.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloat MultiplyAdd<TLanes, TInteger, TFloat>(byte* block, int row, ActivationBlock* rounded, float* values, TFloat sums)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TFloat products = TLanes.Broadcast(0f);
        byte* low = block + LowBits + (4 * row), high = block + HighBits + (4 * row);
        for (int part = 0; part < 4; part++, low += GroupUnits * UnitBytes, high += GroupUnits * UnitBytes)
        {
            if (part == 2) low += 2 * GroupUnits * UnitBytes;
            ActivationBlock* quarters = rounded + (part / 2 * 4);
            byte* levels = (byte*)quarters->Levels + (part % 2 * 16);
            TInteger first = TLanes.Integer(0), second = first, third = first, fourth = first;
            for (int unit = 0; unit < GroupUnits; unit += 2, levels += 8)
            {
                byte* at = low + (unit * UnitBytes), next = at + (2 * GroupUnits * UnitBytes), top = high + (unit * UnitBytes);
                TInteger low0 = TLanes.Load(at), low1 = TLanes.Load(at + UnitBytes), next0 = TLanes.Load(next), next1 = TLanes.Load(next + UnitBytes);
                TInteger top0 = TLanes.Load(top), top1 = TLanes.Load(top + UnitBytes);
                first = AddProducts<TLanes, TInteger, TFloat>(first, low0, top0, low1, top1, 0, levels);
                second = AddProducts<TLanes, TInteger, TFloat>(second, next0, top0, next1, top1, 1, levels + sizeof(ActivationBlock));
                third = AddProducts<TLanes, TInteger, TFloat>(third, low0, top0, low1, top1, 2, levels + (2 * sizeof(ActivationBlock)));
                fourth = AddProducts<TLanes, TInteger, TFloat>(fourth, next0, top0, next1, top1, 3, levels + (3 * sizeof(ActivationBlock)));
            }

            products = AddGroup<TLanes, TInteger, TFloat>(products, first, block, row, part, 0, quarters);
            products = AddGroup<TLanes, TInteger, TFloat>(products, second, block, row, part, 1, quarters);
            products = AddGroup<TLanes, TInteger, TFloat>(products, third, block, row, part, 2, quarters);
            products = AddGroup<TLanes, TInteger, TFloat>(products, fourth, block, row, part, 3, quarters);
        }

        return TLanes.MultiplyAdd(products, TLanes.LoadHalves(block + (2 * row)), sums);
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

    // Two products of 0 … 63 and −127 … 127, twice, stay within 16 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInteger AddProducts<TLanes, TInteger, TFloat>(TInteger sum, TInteger low0, TInteger top0, TInteger low1, TInteger top1, int quarter, byte* levels)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TInteger products = TLanes.AddShorts(
            TLanes.MultiplyBytes(Numbers<TLanes, TInteger, TFloat>(low0, top0, quarter), TLanes.Broadcast(levels)),
            TLanes.MultiplyBytes(Numbers<TLanes, TInteger, TFloat>(low1, top1, quarter), TLanes.Broadcast(levels + 4)));
        return TLanes.Add(sum, TLanes.MultiplyShorts(products, TLanes.Integer(0x00010001)));
    }

    // Numbers are stored with 32 added; the group's scale is a whole number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat AddGroup<TLanes, TInteger, TFloat>(TFloat products, TInteger sum, byte* block, int row, int part, int quarter, ActivationBlock* quarters)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        int levelSum = part % 2 == 0 ? quarters[quarter].LowSum : quarters[quarter].HighSum;
        TInteger scaled = TLanes.Multiply(TLanes.Add(sum, TLanes.Integer(-32 * levelSum)), GroupScale<TLanes, TInteger, TFloat>(block, row, part / 2, quarter, part % 2));
        return TLanes.MultiplyAdd(TLanes.ToFloat(scaled), TLanes.Broadcast(quarters[quarter].Scale), products);
    }

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
        int index = (8 * half) + (2 * quarter) + group;
        TInteger four = TLanes.Load(block + GroupScales + (index / 4 * UnitBytes) + (4 * row));
        return TLanes.ShiftRightSigned(TLanes.ShiftLeft(four, 24 - (index % 4 * 8)), 24);
    }
}
