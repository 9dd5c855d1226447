using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>Reads stored elements as f32, exactly, one or a vector at a time.</summary>
internal unsafe interface IElement
{
    /// <summary>Bytes of one stored element.</summary>
    static abstract int Bytes { get; }

    /// <summary>The element at <paramref name="source"/>.</summary>
    static abstract float Load(byte* source);

    /// <summary>Four elements from <paramref name="source"/> on.</summary>
    static abstract Vector128<float> Load128(byte* source);

    /// <summary>Eight elements from <paramref name="source"/> on.</summary>
    static abstract Vector256<float> Load256(byte* source);

    /// <summary>Sixteen elements from <paramref name="source"/> on.</summary>
    static abstract Vector512<float> Load512(byte* source);
}

/// <summary>f32 as it is.</summary>
internal readonly unsafe struct SingleElement : IElement
{
    public static int Bytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => *(float*)source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source) => Vector128.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source) => Vector256.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source) => Vector512.Load((float*)source);
}

/// <summary>bfloat16: the upper half of an f32.</summary>
internal readonly unsafe struct BFloat16Element : IElement
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => BitConverter.UInt32BitsToSingle((uint)*(ushort*)source << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source) =>
        (Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsUInt16()) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source) => (Widen.To256((ushort*)source) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source) => (Widen.To512((ushort*)source) << 16).AsSingle();
}

/// <summary>
/// IEEE binary16. Exponent and fraction moved to their places in an f32 need 112 added to the exponent, and 224 where it is all
/// ones (infinite or not a number); a subnormal is given an exponent and loses the implied bit that came with it by subtraction.
/// </summary>
internal readonly unsafe struct HalfElement : IElement
{
    private const uint Rebias = 112u << 23, LargestExponent = 31u << 23, SmallestNormal = 113u << 23;

    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => (float)*(Half*)source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source)
    {
        Vector128<uint> stored = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsUInt16());
        Vector128<uint> bits = (stored & Vector128.Create(0x7FFFu)) << 13, sign = (stored & Vector128.Create(0x8000u)) << 16;
        Vector128<uint> special = Vector128.GreaterThanOrEqual(bits.AsInt32(), Vector128.Create((int)LargestExponent)).AsUInt32() & Vector128.Create(Rebias);
        Vector128<uint> normal = bits + Vector128.Create(Rebias) + special;
        Vector128<float> subnormal = (bits + Vector128.Create(SmallestNormal)).AsSingle() - Vector128.Create(SmallestNormal).AsSingle();
        Vector128<uint> small = Vector128.LessThan(bits.AsInt32(), Vector128.Create(1 << 23)).AsUInt32();
        return (Vector128.ConditionalSelect(small, subnormal.AsUInt32(), normal) | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source)
    {
        Vector256<uint> stored = Widen.To256((ushort*)source);
        Vector256<uint> bits = (stored & Vector256.Create(0x7FFFu)) << 13, sign = (stored & Vector256.Create(0x8000u)) << 16;
        Vector256<uint> special = Vector256.GreaterThanOrEqual(bits.AsInt32(), Vector256.Create((int)LargestExponent)).AsUInt32() & Vector256.Create(Rebias);
        Vector256<uint> normal = bits + Vector256.Create(Rebias) + special;
        Vector256<float> subnormal = (bits + Vector256.Create(SmallestNormal)).AsSingle() - Vector256.Create(SmallestNormal).AsSingle();
        Vector256<uint> small = Vector256.LessThan(bits.AsInt32(), Vector256.Create(1 << 23)).AsUInt32();
        return (Vector256.ConditionalSelect(small, subnormal.AsUInt32(), normal) | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source)
    {
        Vector512<uint> stored = Widen.To512((ushort*)source);
        Vector512<uint> bits = (stored & Vector512.Create(0x7FFFu)) << 13, sign = (stored & Vector512.Create(0x8000u)) << 16;
        Vector512<uint> special = Vector512.GreaterThanOrEqual(bits.AsInt32(), Vector512.Create((int)LargestExponent)).AsUInt32() & Vector512.Create(Rebias);
        Vector512<uint> normal = bits + Vector512.Create(Rebias) + special;
        Vector512<float> subnormal = (bits + Vector512.Create(SmallestNormal)).AsSingle() - Vector512.Create(SmallestNormal).AsSingle();
        Vector512<uint> small = Vector512.LessThan(bits.AsInt32(), Vector512.Create(1 << 23)).AsUInt32();
        return (Vector512.ConditionalSelect(small, subnormal.AsUInt32(), normal) | sign).AsSingle();
    }
}
