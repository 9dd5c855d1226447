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

    /// <summary>Factors of numbers and a half by the exponent of their floats, modulo 8, as a <see cref="Lookup.Table"/>: 0.9 · 10^(d − 6) / 2^D.</summary>
    static abstract Vector512<float> Slopes { get; }

    /// <summary>What is added: −0.8 · 10^(d − 6).</summary>
    static abstract Vector512<float> Offsets { get; }

    /// <summary>The byte of 1.</summary>
    static abstract int One { get; }

    /// <summary>What decides a number's code but for its sign.</summary>
    static abstract Vector512<float> Sizes(Vector512<float> values);

    /// <summary>Bytes of magnitude numbers with the signs of <paramref name="values"/>.</summary>
    static abstract Vector512<int> Bytes(Vector512<int> numbers, Vector512<float> values);

    /// <summary>The magnitude numbers of bytes and a half more.</summary>
    static abstract Vector512<float> Middles(Vector512<int> bytes);

    /// <summary>Magnitudes with the signs of their bytes.</summary>
    static abstract Vector512<float> WithSigns(Vector512<float> magnitudes, Vector512<int> bytes);
}

/// <summary>
/// For numbers of either sign: bit 7 is the sign, the rest a magnitude number, 0 for zero. There is no −0; its byte is 1. So −1 is no code:
/// the nearest is −0.993, as in the map of the paper's authors.
/// </summary>
internal readonly struct SignedDynamicCode : IDynamicCode
{
    public static int LowestParts => 1;

    // Exponents are biased by 127: decade 0 stands at place 7, decade 1 at 0. Place 6 is that of a half, which is zero.
    public static Vector512<float> Slopes =>
        Lookup.Table(0.9e-5f / 2, 0.9e-4f / 4, 0.9e-3f / 8, 0.9e-2f / 16, 0.09f / 32, 0.9f / 64, 0, 0.9e-6f);

    public static Vector512<float> Offsets => Lookup.Table(-0.8e-5f, -0.8e-4f, -0.8e-3f, -0.8e-2f, -0.08f, -0.8f, 0, -0.8e-6f);

    public static int One => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sizes(Vector512<float> values) => Vector512.Abs(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Bytes(Vector512<int> numbers, Vector512<float> values) =>
        numbers | ((values.AsInt32() >>> 24) & Vector512.Create(128));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Middles(Vector512<int> bytes) => Vector512.ConvertToSingle(bytes & Vector512.Create(127)) + Vector512.Create(0.5f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WithSigns(Vector512<float> magnitudes, Vector512<int> bytes) =>
        (magnitudes.AsInt32() | ((bytes << 24) & Vector512.Create(int.MinValue))).AsSingle();
}

/// <summary>For numbers that are never below zero: twice the parts, no sign. The byte is the magnitude number less one, 0 for zero, 255 for 1.</summary>
internal readonly struct UnsignedDynamicCode : IDynamicCode
{
    public static int LowestParts => 2;

    // Decades are one exponent higher. Place 7 is that of one and a half, which is zero.
    public static Vector512<float> Slopes =>
        Lookup.Table(0.9e-6f / 2, 0.9e-5f / 4, 0.9e-4f / 8, 0.9e-3f / 16, 0.9e-2f / 32, 0.09f / 64, 0.9f / 128, 0);

    public static Vector512<float> Offsets => Lookup.Table(-0.8e-6f, -0.8e-5f, -0.8e-4f, -0.8e-3f, -0.8e-2f, -0.08f, -0.8f, 0);

    public static int One => 255;

    // What is below zero is below the lowest code.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sizes(Vector512<float> values) => values;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Bytes(Vector512<int> numbers, Vector512<float> values) => numbers - Vector512<int>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Middles(Vector512<int> bytes) => Vector512.ConvertToSingle(bytes) + Vector512.Create(1.5f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WithSigns(Vector512<float> magnitudes, Vector512<int> bytes) => magnitudes;
}
