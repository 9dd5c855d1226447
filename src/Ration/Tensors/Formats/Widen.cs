using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Tensors.Formats;

/// <summary>Extension to 32 bits straight from memory; the portable calls would load and split a wider vector.</summary>
internal static unsafe class Widen
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> To256(ushort* source)
    {
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int32(source).AsUInt32();
        (Vector128<uint> lower, Vector128<uint> upper) = Vector128.Widen(Vector128.Load(source));
        return Vector256.Create(lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> To512(ushort* source)
    {
        if (Avx512F.IsSupported) return Avx512F.ConvertToVector512UInt32(Vector256.Load(source));
        return Vector512.Create(To256(source), To256(source + 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Signed256(short* source)
    {
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int32(source);
        (Vector128<int> lower, Vector128<int> upper) = Vector128.Widen(Vector128.Load(source));
        return Vector256.Create(lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Signed512(short* source)
    {
        if (Avx512F.IsSupported) return Avx512F.ConvertToVector512Int32(Vector256.Load(source));
        return Vector512.Create(Signed256(source), Signed256(source + 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Bytes256(byte* source)
    {
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int32(source);
        return Vector256.Create(source[0], source[1], source[2], source[3], source[4], source[5], source[6], source[7]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Bytes512(byte* source)
    {
        if (Avx512F.IsSupported) return Avx512F.ConvertToVector512Int32(Vector128.Load(source));
        return Vector512.Create(Bytes256(source), Bytes256(source + 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> SignedBytes256(sbyte* source)
    {
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int32(source);
        return Vector256.Create(source[0], source[1], source[2], source[3], source[4], source[5], source[6], source[7]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> SignedBytes512(sbyte* source)
    {
        if (Avx512F.IsSupported) return Avx512F.ConvertToVector512Int32(Vector128.Load(source));
        return Vector512.Create(SignedBytes256(source), SignedBytes256(source + 8));
    }
}
