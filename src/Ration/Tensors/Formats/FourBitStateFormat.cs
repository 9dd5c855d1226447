using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>
/// Optimizer state in 4 bits (Li, Chen and Zhu 2023, "Memory Efficient Optimizers with 4-bit States"): the F32 greatest magnitude of 128
/// numbers, then 64 bytes with the code of element i in the low and that of element i + 64 in the high half of byte i, which unlike <see cref="FourBit{TCode}"/>'s
/// neighbours lie in order once bytes are widened: state is decoded and encoded in every step. Signed state has the
/// dynamic code, state that is never below zero the linear one without a zero (the paper's "zero-point problem").
/// <para>
/// The paper scales second moments of matrices by the lesser of their row's and their column's greatest, which a second pass over the matrix
/// must find. Here all state is in blocks of 128, as in the authors' fused kernel, and is updated in one pass.
/// </para>
/// </summary>
internal readonly unsafe struct FourBitStateFormat<TCode> : IScaledBlockFormat
    where TCode : struct, IFourBitStateCode
{
    private const int Count = 128, Half = Count / 2;

    // Below this a reciprocal would be infinite.
    private const float LeastScale = 1.1754944e-38f;

    public static int Elements => Count;

    public static int Bytes => sizeof(float) + Half;

    public static float Scale(float* source) => BlockStatistics.GreatestMagnitude(source, Count);

    public static void Encode(float* source, byte* block) => Encode(source, block, Scale(source));

    public static void Encode(float* source, byte* block, float greatest)
    {
        *(float*)block = greatest;
        Vector512<float> inverse = Vector512.Create(1 / float.Max(greatest, LeastScale));
        for (nint i = 0; i < Half; i += 16)
        {
            Vector512<int> low = TCode.Nearest(Vector512.Load(source + i) * inverse), high = TCode.Nearest(Vector512.Load(source + Half + i) * inverse);
            Rounding.ToBytes(low | (high << 4)).Store(block + sizeof(float) + i);
        }
    }

    public static void Decode(byte* block, float* target)
    {
        Vector512<float> values = TCode.Values * *(float*)block;
        for (nint i = 0; i < Half; i += 16)
        {
            // Only the lowest four bits of a place count.
            Vector512<int> codes = Widen.Bytes512(block + sizeof(float) + i);
            Lookup.OfSixteen(values, codes).Store(target + i);
            Lookup.OfSixteen(values, codes >>> 4).Store(target + Half + i);
        }
    }
}

/// <summary>Sixteen values in [−1, 1] that are multiplied by the greatest magnitude of their block.</summary>
internal interface IFourBitStateCode
{
    /// <summary>What each code means.</summary>
    static abstract Vector512<float> Values { get; }

    /// <summary>The nearest codes of numbers in [−1, 1].</summary>
    static abstract Vector512<int> Nearest(Vector512<float> values);
}

/// <summary>
/// The signed dynamic code (Dettmers 2016) in 4 bits: the middles of 1, 2 and 4 equal parts of the decades up to 0.01, 0.1 and 1 with either
/// sign, 0 and 1. Code 0 is 0, so that cleared memory holds zeros; codes from 8 on have a minus, but for 8 itself, which is 1.
/// </summary>
internal readonly struct FourBitDynamicCode : IFourBitStateCode
{
    public static Vector512<float> Values => Vector512.Create(
        0, 0.0055f, 0.0325f, 0.0775f, 0.2125f, 0.4375f, 0.6625f, 0.8875f, 1, -0.0055f, -0.0325f, -0.0775f, -0.2125f, -0.4375f, -0.6625f, -0.8875f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Nearest(Vector512<float> values)
    {
        // Half way between two magnitudes the next begins; what is not a number passes none.
        Vector512<float> size = Vector512.Abs(values);
        Vector512<int> code = Next(Vector512<int>.Zero, size, 0.00275f);
        Vector512<int> sign = Vector512.ConditionalSelect(Vector512.LessThan(values, Vector512.Create(-0.00275f)).AsInt32(), Vector512.Create(8), Vector512<int>.Zero);
        code = Next(Next(Next(code, size, 0.019f), size, 0.055f), size, 0.145f);
        code = Next(Next(Next(code, size, 0.325f), size, 0.55f), size, 0.775f);
        return Next(code, values, 0.94375f) | sign;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Next(Vector512<int> code, Vector512<float> value, float threshold) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(value, Vector512.Create(threshold)).AsInt32(), code + Vector512<int>.One, code);
}

/// <summary>Sixteenths from 1 to 16: nothing that is divided by becomes 0.</summary>
internal readonly struct FourBitLinearCode : IFourBitStateCode
{
    public static Vector512<float> Values => (Vector512<float>.Indices + Vector512<float>.One) * (1 / 16f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Nearest(Vector512<float> values)
    {
        // Sixteenths less one, and a half more to be cut off; what is not a number, or below the least, is the least.
        Vector512<float> place = Vector512.FusedMultiplyAdd(values, Vector512.Create(16f), Vector512.Create(-0.5f));
        Vector512<float> known = Vector512.ConditionalSelect(Vector512.GreaterThan(place, Vector512<float>.Zero), place, Vector512<float>.Zero);
        return Vector512.ConvertToInt32Native(Vector512.MinNative(known, Vector512.Create(15f)));
    }
}
