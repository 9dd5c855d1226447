using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>
/// A dynamic code of 8 bits (Dettmers et al. 2022, section 2.2): decade d = 0 … 6 ends at 10^(d − 6) and is cut into equal
/// parts, each decade into twice as many as the one below; codes stand for the middles of parts, and there are 0 and 1. Magnitudes are
/// numbered upwards: number 2^D + i is part i of the decade of 2^D parts, so that the float of a number has its decade for exponent. Byte 0
/// is zero, so that cleared memory holds zeros.
/// </summary>
internal interface IDynamicCode
{
    /// <summary>Parts of the lowest decade: 1 or 2.</summary>
    static abstract int LowestParts { get; }

    /// <summary>Factors of numbers and a half by the exponent of their floats, modulo 8: 0.9 · 10^(d − 6) / 2^D.</summary>
    static abstract Vector256<float> Slopes { get; }

    /// <summary>What is added: −0.8 · 10^(d − 6).</summary>
    static abstract Vector256<float> Offsets { get; }

    /// <summary>Bytes of magnitude numbers with the signs of <paramref name="values"/>; <paramref name="isOne"/> marks what is nearest to 1.</summary>
    static abstract Vector256<int> Bytes(Vector256<int> numbers, Vector256<float> values, Vector256<int> isNotZero, Vector256<int> isOne);

    /// <summary>The magnitude numbers of bytes and a half more.</summary>
    static abstract Vector256<float> Middles(Vector256<int> bytes);

    /// <summary>Where a byte stands for 1.</summary>
    static abstract Vector256<int> IsOne(Vector256<int> bytes);

    /// <summary>Magnitudes with the signs of their bytes.</summary>
    static abstract Vector256<float> WithSigns(Vector256<float> magnitudes, Vector256<int> bytes);
}

/// <summary>
/// For numbers of either sign: bit 7 is the sign, the rest a magnitude number, 0 for zero. There is no −0; its byte is 1. So −1 is no code:
/// the nearest is −0.993, as in the map of the paper's authors.
/// </summary>
internal readonly struct SignedDynamicCode : IDynamicCode
{
    public static int LowestParts => 1;

    // Exponents are biased by 127: decade 0 stands at place 7, decade 1 at 0. Place 6 is that of a half, which is zero.
    public static Vector256<float> Slopes =>
        Vector256.Create(0.9e-5f / 2, 0.9e-4f / 4, 0.9e-3f / 8, 0.9e-2f / 16, 0.09f / 32, 0.9f / 64, 0, 0.9e-6f);

    public static Vector256<float> Offsets => Vector256.Create(-0.8e-5f, -0.8e-4f, -0.8e-3f, -0.8e-2f, -0.08f, -0.8f, 0, -0.8e-6f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Bytes(Vector256<int> numbers, Vector256<float> values, Vector256<int> isNotZero, Vector256<int> isOne)
    {
        Vector256<int> sign = (values.AsInt32() >>> 24) & Vector256.Create(128);
        return Vector256.ConditionalSelect(isOne, Vector256.Create(128), (numbers | sign) & isNotZero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Middles(Vector256<int> bytes) => Vector256.ConvertToSingle(bytes & Vector256.Create(127)) + Vector256.Create(0.5f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> IsOne(Vector256<int> bytes) => Vector256.Equals(bytes, Vector256.Create(128));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WithSigns(Vector256<float> magnitudes, Vector256<int> bytes) =>
        (magnitudes.AsInt32() | ((bytes << 24) & Vector256.Create(int.MinValue))).AsSingle();
}

/// <summary>For numbers that are never below zero: twice the parts, no sign. The byte is the magnitude number less one, 0 for zero, 255 for 1.</summary>
internal readonly struct UnsignedDynamicCode : IDynamicCode
{
    public static int LowestParts => 2;

    // Decades are one exponent higher. Place 7 is that of one and a half, which is zero.
    public static Vector256<float> Slopes =>
        Vector256.Create(0.9e-6f / 2, 0.9e-5f / 4, 0.9e-4f / 8, 0.9e-3f / 16, 0.9e-2f / 32, 0.09f / 64, 0.9f / 128, 0);

    public static Vector256<float> Offsets => Vector256.Create(-0.8e-6f, -0.8e-5f, -0.8e-4f, -0.8e-3f, -0.8e-2f, -0.08f, -0.8f, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Bytes(Vector256<int> numbers, Vector256<float> values, Vector256<int> isNotZero, Vector256<int> isOne)
    {
        Vector256<int> bytes = (numbers - Vector256<int>.One) & isNotZero & ~(values.AsInt32() >> 31);
        return Vector256.ConditionalSelect(isOne, Vector256.Create(255), bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Middles(Vector256<int> bytes) => Vector256.ConvertToSingle(bytes) + Vector256.Create(1.5f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> IsOne(Vector256<int> bytes) => Vector256.Equals(bytes, Vector256.Create(255));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WithSigns(Vector256<float> magnitudes, Vector256<int> bytes) => magnitudes;
}
