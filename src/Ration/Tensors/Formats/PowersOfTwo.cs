using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>
/// Logarithms and powers to base two, sixteen at a time and to the rounding of F32; the same bits on every machine, since each step is one
/// IEEE operation.
/// </summary>
internal static class PowersOfTwo
{
    private const float SquareRootOfTwo = 1.41421356f;

    /// <summary>log2 of positive numbers, to 1e-7 or a few last places; −126 − 23 at the least, for zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Log(Vector512<float> value)
    {
        // Subnormal numbers are made normal first.
        Vector512<float> isSmall = Vector512.LessThan(value, Vector512.Create(1.1754944e-38f));
        value = Vector512.ConditionalSelect(isSmall, value * Vector512.Create(8388608f), value);
        Vector512<int> bits = value.AsInt32();
        Vector512<float> mantissa = ((bits & Vector512.Create(0x007FFFFF)) | Vector512.Create(0x3F800000)).AsSingle();
        Vector512<float> whole = Vector512.ConvertToSingle((bits >>> 23) - Vector512.Create(127)) - (isSmall & Vector512.Create(23f));
        Vector512<float> isUpper = Vector512.GreaterThan(mantissa, Vector512.Create(SquareRootOfTwo));
        mantissa = Vector512.ConditionalSelect(isUpper, mantissa * Vector512.Create(0.5f), mantissa);
        whole += isUpper & Vector512<float>.One;

        // 2 / ln 2 · atanh(s), s = (m − 1) / (m + 1), |s| ≤ 0.172.
        Vector512<float> s = (mantissa - Vector512<float>.One) / (mantissa + Vector512<float>.One), square = s * s;
        Vector512<float> sum = Vector512.Create(0.32059889f);
        sum = Vector512.FusedMultiplyAdd(sum, square, Vector512.Create(0.41219858f));
        sum = Vector512.FusedMultiplyAdd(sum, square, Vector512.Create(0.57707802f));
        sum = Vector512.FusedMultiplyAdd(sum, square, Vector512.Create(0.96179669f));
        sum = Vector512.FusedMultiplyAdd(sum, square, Vector512.Create(2.88539008f));
        return whole + (s * sum);
    }

    /// <summary>2 to a power, to 2e-7 of itself; 0 below −126, and as at 127 above it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> power)
    {
        Vector512<float> bounded = Vector512.MinNative(Vector512.MaxNative(power, Vector512.Create(-126f)), Vector512.Create(127f));
        Vector512<float> whole = Vector512.Round(bounded), x = (bounded - whole) * Vector512.Create(0.69314718f);

        // The series of eˣ for |x| ≤ 0.3466.
        Vector512<float> sum = Vector512.Create(1 / 5040f);
        sum = Vector512.FusedMultiplyAdd(sum, x, Vector512.Create(1 / 720f));
        sum = Vector512.FusedMultiplyAdd(sum, x, Vector512.Create(1 / 120f));
        sum = Vector512.FusedMultiplyAdd(sum, x, Vector512.Create(1 / 24f));
        sum = Vector512.FusedMultiplyAdd(sum, x, Vector512.Create(1 / 6f));
        sum = Vector512.FusedMultiplyAdd(sum, x, Vector512.Create(0.5f));
        sum = Vector512.FusedMultiplyAdd(sum, x, Vector512<float>.One);
        sum = Vector512.FusedMultiplyAdd(sum, x, Vector512<float>.One);
        Vector512<int> exponent = (Vector512.ConvertToInt32Native(whole) + Vector512.Create(127)) << 23;
        Vector512<float> result = sum * exponent.AsSingle();
        return result & Vector512.GreaterThanOrEqual(power, Vector512.Create(-126f));
    }
}
