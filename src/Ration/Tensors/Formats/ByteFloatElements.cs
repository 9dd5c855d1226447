using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>
/// F8 E4M3 without infinities (Micikevicius et al. 2022, table 1). Moved to their places in an f32 the bits make the number 2⁻¹²⁰ times
/// too small; the one magnitude with all bits set is not a number.
/// </summary>
internal readonly unsafe struct ByteFloat43Element : IElement
{
    private const int Magnitude = 0x07F00000, NotANumber = 0x7FC00000;
    private const float Rebias = 1.329227995784916e36f, Special = 480;

    public static int Bytes => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source)
    {
        uint sign = (uint)(*source & 0x80) << 24;
        uint bits = (*source & 0x7F) == 0x7F ? NotANumber : BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle((uint)(*source & 0x7F) << 20) * Rebias);
        return BitConverter.UInt32BitsToSingle(bits | sign);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source)
    {
        Vector128<int> bits = Vector128.Create(source[0], source[1], source[2], (int)source[3]);
        Vector128<float> value = ((bits << 20) & Vector128.Create(Magnitude)).AsSingle() * Vector128.Create(Rebias);
        Vector128<float> special = Vector128.GreaterThanOrEqual(value, Vector128.Create(Special)) & Vector128.Create(NotANumber).AsSingle();
        return value | special | ((bits << 24) & Vector128.Create(int.MinValue)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source)
    {
        Vector256<int> bits = Widen.Bytes256(source);
        Vector256<float> value = ((bits << 20) & Vector256.Create(Magnitude)).AsSingle() * Vector256.Create(Rebias);
        Vector256<float> special = Vector256.GreaterThanOrEqual(value, Vector256.Create(Special)) & Vector256.Create(NotANumber).AsSingle();
        return value | special | ((bits << 24) & Vector256.Create(int.MinValue)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source)
    {
        Vector512<int> bits = Widen.Bytes512(source);
        Vector512<float> value = ((bits << 20) & Vector512.Create(Magnitude)).AsSingle() * Vector512.Create(Rebias);
        Vector512<float> special = Vector512.GreaterThanOrEqual(value, Vector512.Create(Special)) & Vector512.Create(NotANumber).AsSingle();
        return value | special | ((bits << 24) & Vector512.Create(int.MinValue)).AsSingle();
    }
}

/// <summary>F8 E5M2: the upper byte of a binary16 (Micikevicius et al. 2022, table 1).</summary>
internal readonly unsafe struct ByteFloat52Element : IElement
{
    private const int Kept = unchecked((int)0x8FE00000), Infinite = 0x7F800000;
    private const float Rebias = 5.192296858534828e33f, FirstSpecial = 65536;

    public static int Bytes => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => (float)BitConverter.UInt16BitsToHalf((ushort)(*source << 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source)
    {
        Vector128<int> bits = Vector128.Create((sbyte)source[0], (sbyte)source[1], (sbyte)source[2], (int)(sbyte)source[3]);
        Vector128<float> value = ((bits << 21) & Vector128.Create(Kept)).AsSingle() * Vector128.Create(Rebias);
        return value | (Vector128.GreaterThanOrEqual(Vector128.Abs(value), Vector128.Create(FirstSpecial)) & Vector128.Create(Infinite).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source)
    {
        Vector256<int> bits = (Widen.Bytes256(source) << 24) >> 24;
        Vector256<float> value = ((bits << 21) & Vector256.Create(Kept)).AsSingle() * Vector256.Create(Rebias);
        return value | (Vector256.GreaterThanOrEqual(Vector256.Abs(value), Vector256.Create(FirstSpecial)) & Vector256.Create(Infinite).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source)
    {
        Vector512<int> bits = (Widen.Bytes512(source) << 24) >> 24;
        Vector512<float> value = ((bits << 21) & Vector512.Create(Kept)).AsSingle() * Vector512.Create(Rebias);
        return value | (Vector512.GreaterThanOrEqual(Vector512.Abs(value), Vector512.Create(FirstSpecial)) & Vector512.Create(Infinite).AsSingle());
    }
}
