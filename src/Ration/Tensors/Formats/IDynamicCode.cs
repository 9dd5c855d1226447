using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Tensors.Formats;

/// <summary>
/// A dynamic code of 8 bits (Dettmers et al. 2022, section 2.2): decade d = 0 … 6 ends at 10^(d − 6) and is cut into equal
/// parts, each decade into twice as many as the one below; codes stand for the middles of parts, and there are 0 and 1. Magnitudes are
/// numbered upwards: number 2^D + i is part i of the decade of 2^D parts, so that the float of a number has its decade for exponent, and 1 has the
/// first number after them. Byte 0 is zero, so that cleared memory holds zeros.
/// </summary>
internal unsafe interface IDynamicCode
{
    /// <summary>Parts of the lowest decade: 1 or 2.</summary>
    static abstract int LowestParts { get; }

    /// <summary>Numbers of no code, but that of zero.</summary>
    static abstract int Skipped { get; }

    /// <summary>Factors of numbers and a half by the exponent of their floats, modulo 16: 0.9 · 10^(d − 6) / 2^D.</summary>
    static abstract Vector512<float> Slopes { get; }

    /// <summary>What is added: −0.8 · 10^(d − 6).</summary>
    static abstract Vector512<float> Offsets { get; }

    /// <summary>What decides a number's code but for its sign: at least <paramref name="least"/>, which is what is not a number too.</summary>
    static abstract Vector512<float> Sizes(Vector512<float> values, Vector512<float> least);

    /// <summary>Bytes of magnitude numbers without those that are skipped, cut off to integers, with the signs of <paramref name="values"/>.</summary>
    static abstract Vector128<byte> Bytes(Vector512<float> numbers, Vector512<float> values);

    /// <summary>Sixteen bytes.</summary>
    static abstract Vector512<int> Load(byte* bytes);

    /// <summary>The magnitude numbers of bytes and a half more.</summary>
    static abstract Vector512<float> Middles(Vector512<int> bytes);

    /// <summary>Magnitudes with the signs of their bytes.</summary>
    static abstract Vector512<float> WithSigns(Vector512<float> magnitudes, Vector512<int> bytes);
}

/// <summary>
/// For numbers of either sign: the magnitude number, 128 for 1, with the opposite sign. 128 itself is no signed byte, so that −1 becomes the nearest code,
/// −0.993, as in the map of the paper's authors, which has no −1.
/// </summary>
internal readonly unsafe struct SignedDynamicCode : IDynamicCode
{
    public static int LowestParts => 1;

    public static int Skipped => 0;

    // Exponents are biased by 127: decade 0 stands at place 15, decade 1 at 0, one at 6. Place 14 is that of a half, which is −0: its sign is turned.
    public static Vector512<float> Slopes =>
        Vector512.Create(0.9e-5f / 2, 0.9e-4f / 4, 0.9e-3f / 8, 0.9e-2f / 16, 0.09f / 32, 0.9f / 64, 0, 0, 0, 0, 0, 0, 0, 0, -0f, 0.9e-6f);

    public static Vector512<float> Offsets => Vector512.Create(-0.8e-5f, -0.8e-4f, -0.8e-3f, -0.8e-2f, -0.08f, -0.8f, 1, 0, 0, 0, 0, 0, 0, 0, -0f, -0.8e-6f);

    private static Vector512<float> Sign => Vector512.Create(-0f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sizes(Vector512<float> values, Vector512<float> least)
    {
        const byte GreaterMagnitudeWithoutSign = 0b1011;
        if (Avx512DQ.IsSupported) return Avx512DQ.Range(values, least, GreaterMagnitudeWithoutSign);
        Vector512<float> sizes = Vector512.Abs(values);
        return Vector512.ConditionalSelect(Vector512.GreaterThan(sizes, least), sizes, least);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Bytes(Vector512<float> numbers, Vector512<float> values)
    {
        Vector512<int> bytes = Vector512.ConvertToInt32Native(numbers | Vector512.AndNot(Sign, values));
        if (Avx512F.IsSupported) return Avx512F.ConvertToVector128SByteWithSaturation(bytes).AsByte();
        return Rounding.ToBytes(Vector512.Min(bytes, Vector512.Create((int)sbyte.MaxValue)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Load(byte* bytes) => Widen.SignedBytes512((sbyte*)bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Middles(Vector512<int> bytes) => Vector512.ConvertToSingle(Vector512.Abs(bytes)) + Vector512.Create(0.5f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WithSigns(Vector512<float> magnitudes, Vector512<int> bytes) => magnitudes ^ Vector512.AndNot(Sign, bytes.AsSingle());
}

/// <summary>For numbers that are never below zero: twice the parts, no sign. The byte is the magnitude number less one, 0 for zero, 255 for 1.</summary>
internal readonly unsafe struct UnsignedDynamicCode : IDynamicCode
{
    public static int LowestParts => 2;

    public static int Skipped => 1;

    // Decades are one exponent higher, one stands at place 7. Place 15 is that of one and a half, which is zero.
    public static Vector512<float> Slopes =>
        Vector512.Create(0.9e-6f / 2, 0.9e-5f / 4, 0.9e-4f / 8, 0.9e-3f / 16, 0.9e-2f / 32, 0.09f / 64, 0.9f / 128, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    public static Vector512<float> Offsets => Vector512.Create(-0.8e-6f, -0.8e-5f, -0.8e-4f, -0.8e-3f, -0.8e-2f, -0.08f, -0.8f, 1, 0, 0, 0, 0, 0, 0, 0, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sizes(Vector512<float> values, Vector512<float> least) =>
        Avx512F.IsSupported ? Avx512F.Max(values, least) : Vector512.ConditionalSelect(Vector512.GreaterThan(values, least), values, least);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Bytes(Vector512<float> numbers, Vector512<float> values) => Rounding.ToBytes(Vector512.ConvertToInt32Native(numbers));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Load(byte* bytes) => Widen.Bytes512(bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Middles(Vector512<int> bytes) => Vector512.ConvertToSingle(bytes) + Vector512.Create(1.5f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WithSigns(Vector512<float> magnitudes, Vector512<int> bytes) => magnitudes;
}
