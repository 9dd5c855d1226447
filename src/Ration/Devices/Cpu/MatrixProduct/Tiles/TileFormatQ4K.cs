using System.Runtime.CompilerServices;
using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>Q4_K: 16 scales and 16 steps of the least values, 12 bytes of group scales, then four bytes of 16 rows at a time.</summary>
internal readonly unsafe struct TileFormatQ4K : ITileFormat
{
    private const int Steps = 32, GroupScales = 64, Weights = 256, UnitBytes = 64, UnitsOfGroups = 8, Groups = 8, GroupElements = 32;

    public static DType Type => DType.Q4_K;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TLanes, TInteger, TFloat>(byte* block, int row, ActivationBlock* rounded, float* values, nint stride, nint rows, float* sums)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        byte* weights = block + Weights + (4 * row);
        TInteger scales = default, leasts = default;
        TFloat scale = TLanes.LoadHalves(block + (2 * row)), minusStep = TLanes.Multiply(TLanes.LoadHalves(block + Steps + (2 * row)), TLanes.Broadcast(-1f));
        for (int group = 0; group < Groups; group += 2, weights += UnitsOfGroups * UnitBytes, rounded += 2 * rows)
        {
            if (group % 4 == 0) GroupNumbers<TLanes, TInteger, TFloat>(block, row, group, out scales, out leasts);
            AddGroup<TLanes, TInteger, TFloat>(weights, 0, scale, minusStep, ref scales, ref leasts, rounded, rows, sums);
            AddGroup<TLanes, TInteger, TFloat>(weights, 4, scale, minusStep, ref scales, ref leasts, rounded + rows, rows, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Expand<TLanes, TInteger, TFloat>(byte* block, int row, float* target, nint stride)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        byte* weights = block + Weights + (4 * row);
        TInteger mask = TLanes.Integer(0xF), scales = default, leasts = default;
        TFloat scale = TLanes.LoadHalves(block + (2 * row)), minusStep = TLanes.Multiply(TLanes.LoadHalves(block + Steps + (2 * row)), TLanes.Broadcast(-1f));
        for (int group = 0; group < Groups; group += 2, weights += UnitsOfGroups * UnitBytes, target += GroupElements * stride)
        {
            if (group % 4 == 0) GroupNumbers<TLanes, TInteger, TFloat>(block, row, group, out scales, out leasts);
            TFloat firstScale = TLanes.Multiply(scale, Take<TLanes, TInteger, TFloat>(ref scales)), secondScale = TLanes.Multiply(scale, Take<TLanes, TInteger, TFloat>(ref scales));
            TFloat firstLeast = TLanes.Multiply(minusStep, Take<TLanes, TInteger, TFloat>(ref leasts)), secondLeast = TLanes.Multiply(minusStep, Take<TLanes, TInteger, TFloat>(ref leasts));
            for (int unit = 0; unit < UnitsOfGroups; unit++)
            {
                TInteger both = TLanes.Load(weights + (unit * UnitBytes));
                for (int i = 0; i < 4; i++, target += stride, both = TLanes.ShiftRight(both, 8))
                {
                    TFloat low = TLanes.ToFloat(TLanes.And(both, mask)), high = TLanes.ToFloat(TLanes.And(TLanes.ShiftRight(both, 4), mask));
                    TLanes.Store(TLanes.MultiplyAdd(low, firstScale, firstLeast), target);
                    TLanes.Store(TLanes.MultiplyAdd(high, secondScale, secondLeast), target + (GroupElements * stride));
                }
            }
        }
    }

    // Scales and least values of four groups, 6 bits each: those of groups 0 to 3 are the low bits of the first eight bytes; of those of
    // groups 4 to 7 four bits lie in the last four bytes, two on top of the first eight.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GroupNumbers<TLanes, TInteger, TFloat>(byte* block, int row, int group, out TInteger scales, out TInteger leasts)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        byte* stored = block + GroupScales + (4 * row);
        TInteger first = TLanes.Load(stored), second = TLanes.Load(stored + UnitBytes);
        if (group == 0)
        {
            TInteger six = TLanes.Integer(0x3F3F3F3F);
            (scales, leasts) = (TLanes.And(first, six), TLanes.And(second, six));
            return;
        }

        TInteger last = TLanes.Load(stored + (2 * UnitBytes)), four = TLanes.Integer(0x0F0F0F0F), top = TLanes.Integer(0x30303030);
        scales = TLanes.Or(TLanes.And(last, four), TLanes.And(TLanes.ShiftRight(first, 2), top));
        leasts = TLanes.Or(TLanes.And(TLanes.ShiftRight(last, 4), four), TLanes.And(TLanes.ShiftRight(second, 2), top));
    }

    // 32 elements; the numbers of a group lie in the low or in the high halves of the bytes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddGroup<TLanes, TInteger, TFloat>(
        byte* weights, int shift, TFloat scale, TFloat minusStep, ref TInteger scales, ref TInteger leasts, ActivationBlock* rounded, nint rows, float* sums)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TInteger ones = TLanes.Integer(0x00010001);
        TFloat groupScale = TLanes.Multiply(scale, Take<TLanes, TInteger, TFloat>(ref scales));
        TFloat groupLeast = TLanes.Multiply(minusStep, Take<TLanes, TInteger, TFloat>(ref leasts));
        TInteger w0 = Numbers<TLanes, TInteger, TFloat>(weights, shift), w1 = Numbers<TLanes, TInteger, TFloat>(weights + UnitBytes, shift);
        TInteger w2 = Numbers<TLanes, TInteger, TFloat>(weights + (2 * UnitBytes), shift), w3 = Numbers<TLanes, TInteger, TFloat>(weights + (3 * UnitBytes), shift);
        TInteger w4 = Numbers<TLanes, TInteger, TFloat>(weights + (4 * UnitBytes), shift), w5 = Numbers<TLanes, TInteger, TFloat>(weights + (5 * UnitBytes), shift);
        TInteger w6 = Numbers<TLanes, TInteger, TFloat>(weights + (6 * UnitBytes), shift), w7 = Numbers<TLanes, TInteger, TFloat>(weights + (7 * UnitBytes), shift);
        for (; rows > 0; rows--, rounded++, sums += TLanes.Count)
        {
            TInteger halves = ByteProducts.Sum<TLanes, TInteger, TFloat>(w0, w1, w2, w3, w4, w5, w6, w7, (byte*)rounded->Levels);
            TFloat products = TLanes.Multiply(TLanes.ToFloat(TLanes.MultiplyShorts(halves, ones)), TLanes.Broadcast(rounded->Scale));
            TFloat sum = TLanes.MultiplyAdd(TLanes.Broadcast(rounded->ScaledSum), groupLeast, TLanes.Load(sums));
            TLanes.Store(TLanes.MultiplyAdd(products, groupScale, sum), sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInteger Numbers<TLanes, TInteger, TFloat>(byte* weights, int shift)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged => TLanes.And(TLanes.ShiftRight(TLanes.Load(weights), shift), TLanes.Integer(0x0F0F0F0F));

    // The lowest byte of each lane; the others move down.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Take<TLanes, TInteger, TFloat>(ref TInteger bytes)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TFloat lowest = TLanes.ToFloat(TLanes.And(bytes, TLanes.Integer(0xFF)));
        bytes = TLanes.ShiftRight(bytes, 8);
        return lowest;
    }
}
