using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>
/// Logarithms and powers to base two, eight at a time and to the rounding of F32; the same bits on every machine, since each step is one
/// IEEE operation.
/// </summary>
internal static class PowersOfTwo
{
    private const float SquareRootOfTwo = 1.41421356f;

    /// <summary>log2 of positive numbers, to 1e-7 or a few last places; −126 − 23 at the least, for zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Log(Vector256<float> value)
    {
        // Subnormal numbers are made normal first.
        Vector256<float> isSmall = Vector256.LessThan(value, Vector256.Create(1.1754944e-38f));
        value = Vector256.ConditionalSelect(isSmall, value * Vector256.Create(8388608f), value);
        Vector256<int> bits = value.AsInt32();
        Vector256<float> mantissa = ((bits & Vector256.Create(0x007FFFFF)) | Vector256.Create(0x3F800000)).AsSingle();
        Vector256<float> whole = Vector256.ConvertToSingle((bits >>> 23) - Vector256.Create(127)) - (isSmall & Vector256.Create(23f));
        Vector256<float> isUpper = Vector256.GreaterThan(mantissa, Vector256.Create(SquareRootOfTwo));
        mantissa = Vector256.ConditionalSelect(isUpper, mantissa * Vector256.Create(0.5f), mantissa);
        whole += isUpper & Vector256<float>.One;

        // 2 / ln 2 · atanh(s), s = (m − 1) / (m + 1), |s| ≤ 0.172.
        Vector256<float> s = (mantissa - Vector256<float>.One) / (mantissa + Vector256<float>.One), square = s * s;
        Vector256<float> sum = Vector256.Create(0.32059889f);
        sum = (sum * square) + Vector256.Create(0.41219858f);
        sum = (sum * square) + Vector256.Create(0.57707802f);
        sum = (sum * square) + Vector256.Create(0.96179669f);
        sum = (sum * square) + Vector256.Create(2.88539008f);
        return whole + (s * sum);
    }

    /// <summary>2 to a power, to 2e-7 of itself; 0 below −126, and as at 127 above it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> power)
    {
        Vector256<float> bounded = Vector256.MinNative(Vector256.MaxNative(power, Vector256.Create(-126f)), Vector256.Create(127f));
        Vector256<float> whole = Vector256.Round(bounded), x = (bounded - whole) * Vector256.Create(0.69314718f);

        // The series of eˣ for |x| ≤ 0.3466.
        Vector256<float> sum = Vector256.Create(1 / 5040f);
        sum = (sum * x) + Vector256.Create(1 / 720f);
        sum = (sum * x) + Vector256.Create(1 / 120f);
        sum = (sum * x) + Vector256.Create(1 / 24f);
        sum = (sum * x) + Vector256.Create(1 / 6f);
        sum = (sum * x) + Vector256.Create(0.5f);
        sum = (sum * x) + Vector256<float>.One;
        sum = (sum * x) + Vector256<float>.One;
        Vector256<int> exponent = (Vector256.ConvertToInt32Native(whole) + Vector256.Create(127)) << 23;
        Vector256<float> result = sum * exponent.AsSingle();
        return result & Vector256.GreaterThanOrEqual(power, Vector256.Create(-126f));
    }
}
