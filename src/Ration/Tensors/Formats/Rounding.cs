using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Tensors.Formats;

/// <summary>
/// Floats to small integers, with the reference's roundings. What cannot be an integer (infinite, not a number, far too large)
/// becomes 0, as the low byte of a conversion on x86 does.
/// </summary>
internal static unsafe class Rounding
{
    /// <summary>1 / scale; 0 for a scale of 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Inverse(float scale) => scale != 0 ? 1 / scale : 0;

    /// <summary>The nearest integers, ties away from zero (C's roundf), from −128 to 127.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> HalfAwayFromZero(Vector256<float> values)
    {
        // The number below a half: with a half itself, what is just below one would be rounded up to it before it is cut off.
        return ToInteger(values + (Vector256.Create(0.49999997f) | (values & Vector256.Create(-0f))));
    }

    /// <summary>
    /// The nearest integers, ties to even, by adding 1.5 · 2²³ and looking at the bits; beyond ± 2²² the bits mean nothing, but they are
    /// the reference's.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Nearest(Vector256<float> values) =>
        ((values + Vector256.Create(12582912f)).AsInt32() & Vector256.Create(0x007FFFFF)) - Vector256.Create(0x00400000);

    /// <inheritdoc cref="Nearest(Vector256{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Nearest(float value) => (BitConverter.SingleToInt32Bits(value + 12582912f) & 0x007FFFFF) - 0x00400000;

    /// <summary>The integer parts of (source[i] − least) · inverse + offset, for 32 elements, as bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Truncated32(float* source, float least, float inverse, float offset)
    {
        Vector256<float> m = Vector256.Create(least), d = Vector256.Create(inverse), o = Vector256.Create(offset);
        return ToBytes(
            ToInteger(((Vector256.Load(source) - m) * d) + o), ToInteger(((Vector256.Load(source + 8) - m) * d) + o),
            ToInteger(((Vector256.Load(source + 16) - m) * d) + o), ToInteger(((Vector256.Load(source + 24) - m) * d) + o));
    }

    /// <summary>The lowest bytes of 32 integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ToBytes(Vector256<int> a, Vector256<int> b, Vector256<int> c, Vector256<int> d) =>
        Vector256.Narrow(Vector256.Narrow(a, b), Vector256.Narrow(c, d)).AsByte();

    /// <summary>The lowest bytes of 16 integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ToBytes(Vector512<int> values)
    {
        if (Avx512F.IsSupported) return Avx512F.ConvertToVector128Byte(values.AsUInt32());
        Vector256<short> halves = Vector256.Narrow(values.GetLower(), values.GetUpper());
        return Vector128.Narrow(halves.GetLower(), halves.GetUpper()).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> ToInteger(Vector256<float> values)
    {
        Vector256<int> inRange = Vector256.LessThan(Vector256.Abs(values), Vector256.Create(1e9f)).AsInt32();
        return Vector256.ConvertToInt32Native(values) & inRange;
    }
}
