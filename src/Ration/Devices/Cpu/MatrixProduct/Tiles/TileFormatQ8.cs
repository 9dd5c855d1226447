using System.Runtime.CompilerServices;
using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>
/// Q8_0: 16 scales, then four bytes of 16 rows at a time. Bytes are multiplied as magnitudes, unsigned, by levels with the weight's sign.
/// A level's sign is changed by inverting its bits, which leaves it 1 too small; what that takes away depends on the weights alone.
/// </summary>
internal readonly unsafe struct TileFormatQ8 : ITileFormat
{
    private const int Scales = 32, UnitBytes = 64, Units = 8;

    public static DType Type => DType.Q8_0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TLanes, TInteger, TFloat>(byte* block, int row, ActivationBlock* rounded, float* values, nint stride, nint rows, float* sums)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        byte* weights = block + Scales + (4 * row);
        TInteger missing = TLanes.Integer(0), ones = TLanes.Integer(0x00010001);
        TInteger sign0 = Split<TLanes, TInteger, TFloat>(weights, 0, out TInteger w0, ref missing), sign1 = Split<TLanes, TInteger, TFloat>(weights, 1, out TInteger w1, ref missing);
        TInteger sign2 = Split<TLanes, TInteger, TFloat>(weights, 2, out TInteger w2, ref missing), sign3 = Split<TLanes, TInteger, TFloat>(weights, 3, out TInteger w3, ref missing);
        TInteger sign4 = Split<TLanes, TInteger, TFloat>(weights, 4, out TInteger w4, ref missing), sign5 = Split<TLanes, TInteger, TFloat>(weights, 5, out TInteger w5, ref missing);
        TInteger sign6 = Split<TLanes, TInteger, TFloat>(weights, 6, out TInteger w6, ref missing), sign7 = Split<TLanes, TInteger, TFloat>(weights, 7, out TInteger w7, ref missing);
        missing = TLanes.MultiplyShorts(missing, TLanes.Integer(-1));
        TFloat scale = TLanes.LoadHalves(block + (2 * row));
        for (; rows > 0; rows--, rounded++, sums += TLanes.Count)
        {
            byte* levels = (byte*)rounded->Levels;
            TInteger even = TLanes.Add(missing, Product<TLanes, TInteger, TFloat>(w0, sign0, levels, ones)), odd = Product<TLanes, TInteger, TFloat>(w1, sign1, levels + 4, ones);
            even = TLanes.Add(even, Product<TLanes, TInteger, TFloat>(w2, sign2, levels + 8, ones));
            odd = TLanes.Add(odd, Product<TLanes, TInteger, TFloat>(w3, sign3, levels + 12, ones));
            even = TLanes.Add(even, Product<TLanes, TInteger, TFloat>(w4, sign4, levels + 16, ones));
            odd = TLanes.Add(odd, Product<TLanes, TInteger, TFloat>(w5, sign5, levels + 20, ones));
            even = TLanes.Add(even, Product<TLanes, TInteger, TFloat>(w6, sign6, levels + 24, ones));
            odd = TLanes.Add(odd, Product<TLanes, TInteger, TFloat>(w7, sign7, levels + 28, ones));
            TFloat scaled = TLanes.Multiply(TLanes.ToFloat(TLanes.Add(even, odd)), TLanes.Broadcast(rounded->Scale));
            TLanes.Store(TLanes.MultiplyAdd(scaled, scale, TLanes.Load(sums)), sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Expand<TLanes, TInteger, TFloat>(byte* block, int row, float* target, nint stride)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TFloat scale = TLanes.LoadHalves(block + (2 * row));
        byte* weights = block + Scales + (4 * row);
        for (int unit = 0; unit < Units; unit++, target += 4 * stride)
        {
            TInteger four = TLanes.Load(weights + (unit * UnitBytes));
            TLanes.Store(TLanes.Multiply(TLanes.ToFloat(TLanes.ShiftRightSigned(TLanes.ShiftLeft(four, 24), 24)), scale), target);
            TLanes.Store(TLanes.Multiply(TLanes.ToFloat(TLanes.ShiftRightSigned(TLanes.ShiftLeft(four, 16), 24)), scale), target + stride);
            TLanes.Store(TLanes.Multiply(TLanes.ToFloat(TLanes.ShiftRightSigned(TLanes.ShiftLeft(four, 8), 24)), scale), target + (2 * stride));
            TLanes.Store(TLanes.Multiply(TLanes.ToFloat(TLanes.ShiftRightSigned(four, 24)), scale), target + (3 * stride));
        }
    }

    // Magnitudes are at most 128, and the sums of those that are inverted at most 2048.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInteger Split<TLanes, TInteger, TFloat>(byte* weights, int unit, out TInteger magnitudes, ref TInteger missing)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        TInteger four = TLanes.Load(weights + (unit * UnitBytes)), signs = TLanes.SignsOfBytes(four);
        magnitudes = TLanes.MagnitudesOfBytes(four);
        missing = TLanes.AddShorts(missing, TLanes.MultiplyBytes(magnitudes, signs));
        return signs;
    }

    // Two products of 127 and ±127 fit 16 bits, and so do two of 128, which has the sign, with −128 … 126.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInteger Product<TLanes, TInteger, TFloat>(TInteger magnitudes, TInteger signs, byte* levels, TInteger ones)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged =>
        TLanes.MultiplyShorts(TLanes.MultiplyBytes(magnitudes, TLanes.Xor(signs, TLanes.Broadcast(levels))), ones);
}
