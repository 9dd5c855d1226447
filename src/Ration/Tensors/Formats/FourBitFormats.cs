using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>A code of sixteen values in [−1, 1] that are multiplied by the greatest magnitude of their block, as in bitsandbytes.</summary>
internal unsafe interface IFourBitCode
{
    /// <summary>The sixteen values, at an address that does not move.</summary>
    static abstract float* Values { get; }

    /// <summary>The nearest codes of eight numbers in [−1, 1], by bitsandbytes' thresholds; what is not a number becomes code 0.</summary>
    static abstract Vector256<int> Nearest(Vector256<float> values);
}

/// <summary>NormalFloat (Dettmers et al. 2023, appendix E): quantiles of the normal distribution, with a zero.</summary>
internal readonly unsafe struct NormalFloatCode : IFourBitCode
{
    private static ReadOnlySpan<float> Table =>
    [
        -1, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
        -0.09105003625154495f, 0, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
        0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1,
    ];

    // Code i + 1 begins above threshold i.
    private static ReadOnlySpan<float> Thresholds =>
    [
        -0.8480964004993439f, -0.6106329262256622f, -0.4599952697753906f, -0.33967943489551544f, -0.23460740596055984f,
        -0.13791173323988914f, -0.045525018125772476f, 0.03979014977812767f, 0.1202552504837513f, 0.2035212516784668f,
        0.2920137718319893f, 0.3893125355243683f, 0.5016634166240692f, 0.6427869200706482f, 0.8614784181118011f,
    ];

    // Constant data of the assembly lie still.
    public static float* Values => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Table));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Nearest(Vector256<float> values)
    {
        Vector256<int> above = Vector256<int>.Zero;
        foreach (float threshold in Thresholds) above -= Vector256.GreaterThan(values, Vector256.Create(threshold)).AsInt32();
        return above;
    }
}

/// <summary>bitsandbytes' FP4: a sign, and 0, 1/192, 1/6, 1/4, 1/3, 1/2, 2/3 or 1.</summary>
internal readonly unsafe struct FourBitFloatCode : IFourBitCode
{
    private static ReadOnlySpan<float> Table =>
    [
        0, 0.005208333333f, 0.66666667f, 1, 0.33333333f, 0.5f, 0.16666667f, 0.25f,
        -0f, -0.005208333333f, -0.66666667f, -1, -0.33333333f, -0.5f, -0.16666667f, -0.25f,
    ];

    private static ReadOnlySpan<float> Thresholds => [0.00260417f, 0.0859375f, 0.20833333f, 0.29166667f, 0.4166667f, 0.583333f, 0.8333333f];

    public static float* Values => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Table));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Nearest(Vector256<float> values)
    {
        Vector256<float> size = Vector256.Abs(values);
        Vector256<int> above = Vector256<int>.Zero;
        foreach (float threshold in Thresholds) above -= Vector256.GreaterThan(size, Vector256.Create(threshold)).AsInt32();

        // In ascending order the codes are 0 1 6 7 4 5 2 3: bit 2 is turned where bit 1 is set.
        above ^= (above & Vector256.Create(2)) << 1;
        return above | (Vector256.LessThan(values, Vector256<float>.Zero).AsInt32() & Vector256.Create(8));
    }
}

/// <summary>Four-bit codes in blocks of any multiple of 32: the first of two elements in the high half of a byte.</summary>
internal static unsafe class FourBit<TCode>
    where TCode : struct, IFourBitCode
{
    /// <summary>Elements of one block: scale · value of code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* codes, float scale, float* target, nint elements)
    {
        float* table = TCode.Values;
        for (nint i = 0; i < elements; i += 32)
        {
            Vector128<byte> packed = Vector128.Load(codes + (i / 2));
            Scaling.StoreFromTable(InOrder(Vector128.WidenLower(packed)), table, scale, target + i);
            Scaling.StoreFromTable(InOrder(Vector128.WidenUpper(packed)), table, scale, target + i + 16);
        }
    }

    /// <summary>Codes of one block; returns its greatest magnitude.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Encode(float* source, byte* codes, int elements)
    {
        float greatest = BlockStatistics.GreatestMagnitude(source, elements);

        // bitsandbytes' own floor, which keeps the inverse finite.
        Vector256<float> inverse = Vector256.Create(1 / float.Max(greatest, 1e-38f));
        for (int i = 0; i < elements; i += 32)
        {
            float* at = source + i;
            Vector256<byte> each = Rounding.ToBytes(
                TCode.Nearest(Vector256.Load(at) * inverse), TCode.Nearest(Vector256.Load(at + 8) * inverse),
                TCode.Nearest(Vector256.Load(at + 16) * inverse), TCode.Nearest(Vector256.Load(at + 24) * inverse));
            Vector256<ushort> pairs = each.AsUInt16();
            pairs = (pairs << 4) | (pairs >>> 8);
            Vector128.Narrow(pairs.GetLower() & Vector128.Create((ushort)255), pairs.GetUpper() & Vector128.Create((ushort)255)).Store(codes + (i / 2));
        }

        return greatest;
    }

    // A packed byte in 16 bits: its high half to the first byte, its low half to the second.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> InOrder(Vector128<ushort> packed) =>
        ((packed >>> 4) | ((packed & Vector128.Create((ushort)15)) << 8)).AsByte();
}

/// <summary>Blocks of 64 four-bit codes after their F32 greatest magnitude.</summary>
internal readonly unsafe struct FourBitFormat<TCode> : IBlockFormat
    where TCode : struct, IFourBitCode
{
    public static int Elements => 64;

    public static int Bytes => 36;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* block, float* target) => FourBit<TCode>.Decode(block + 4, *(float*)block, target, 64);

    public static void Encode(float* source, byte* block) => *(float*)block = FourBit<TCode>.Encode(source, block + 4, 64);
}
