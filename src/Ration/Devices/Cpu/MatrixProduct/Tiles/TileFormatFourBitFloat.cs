using System.Runtime.CompilerServices;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>NF4 and FP4: 16 greatest magnitudes, then four bytes of 16 rows at a time, the first of two numbers in the high half.</summary>
internal readonly unsafe struct TileFormatFourBitFloat<TCode> : ITileFormat
    where TCode : struct, IFourBitCode
{
    private const int Scales = 64, UnitBytes = 64, Units = 8;

    public static DType Type => typeof(TCode) == typeof(NormalFloatCode) ? DType.NF4 : DType.FP4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TLanes, TInteger, TFloat>(byte* block, int row, ActivationBlock* rounded, float* values, nint stride, nint rows, float* sums)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        for (; rows > 0; rows--, values += stride, sums += TLanes.Count)
            TLanes.Store(Product<TLanes, TInteger, TFloat>(block, row, values, TLanes.Load(sums)), sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Expand<TLanes, TInteger, TFloat>(byte* block, int row, float* target, nint stride)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        byte* weights = block + Scales + (4 * row);
        float* code = TCode.Values;
        TFloat scale = TLanes.Load((float*)block + row);
        for (int unit = 0; unit < Units; unit++)
        {
            TInteger numbers = TLanes.Load(weights + (unit * UnitBytes));
            for (int i = 0; i < 4; i++, target += 2 * stride, numbers = TLanes.ShiftRight(numbers, 8))
            {
                TLanes.Store(TLanes.Multiply(TLanes.Look(code, TLanes.ShiftRight(numbers, 4)), scale), target);
                TLanes.Store(TLanes.Multiply(TLanes.Look(code, numbers), scale), target + stride);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Product<TLanes, TInteger, TFloat>(byte* block, int row, float* values, TFloat sum)
        where TLanes : struct, ITileLanes<TInteger, TFloat>
        where TInteger : unmanaged
        where TFloat : unmanaged
    {
        byte* weights = block + Scales + (4 * row);
        float* code = TCode.Values;
        TFloat even = TLanes.Broadcast(0f), odd = even;
        for (int unit = 0; unit < Units; unit++, values += 8)
        {
            TInteger numbers = TLanes.Load(weights + (unit * UnitBytes));
            even = TLanes.MultiplyAdd(TLanes.Look(code, TLanes.ShiftRight(numbers, 4)), TLanes.Broadcast(values[0]), even);
            odd = TLanes.MultiplyAdd(TLanes.Look(code, numbers), TLanes.Broadcast(values[1]), odd);
            even = TLanes.MultiplyAdd(TLanes.Look(code, TLanes.ShiftRight(numbers, 12)), TLanes.Broadcast(values[2]), even);
            odd = TLanes.MultiplyAdd(TLanes.Look(code, TLanes.ShiftRight(numbers, 8)), TLanes.Broadcast(values[3]), odd);
            even = TLanes.MultiplyAdd(TLanes.Look(code, TLanes.ShiftRight(numbers, 20)), TLanes.Broadcast(values[4]), even);
            odd = TLanes.MultiplyAdd(TLanes.Look(code, TLanes.ShiftRight(numbers, 16)), TLanes.Broadcast(values[5]), odd);
            even = TLanes.MultiplyAdd(TLanes.Look(code, TLanes.ShiftRight(numbers, 28)), TLanes.Broadcast(values[6]), even);
            odd = TLanes.MultiplyAdd(TLanes.Look(code, TLanes.ShiftRight(numbers, 24)), TLanes.Broadcast(values[7]), odd);
        }

        return TLanes.MultiplyAdd(TLanes.Add(even, odd), TLanes.Load((float*)block + row), sum);
    }
}
