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
/// IEEE binary16. Its exponent and fraction bits moved to their places in an f32 are the value times 2⁻¹¹², subnormals included;
/// a multiplication by 2¹¹² mends that, and what is then 2¹⁶ or more was infinite or not a number.
/// </summary>
internal readonly unsafe struct HalfElement : IElement
{
    private const float Rescale = 5.192296858534828e33f;

    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => (float)*(Half*)source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source)
    {
        Vector128<uint> bits = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsUInt16());
        Vector128<float> scaled = ((bits & Vector128.Create(0x7FFFu)) << 13).AsSingle() * Vector128.Create(Rescale);
        Vector128<uint> special = Vector128.GreaterThanOrEqual(scaled, Vector128.Create(65536f)).AsUInt32() & Vector128.Create(0x7F800000u);
        return (scaled.AsUInt32() | special | ((bits & Vector128.Create(0x8000u)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source)
    {
        Vector256<uint> bits = Widen.To256((ushort*)source);
        Vector256<float> scaled = ((bits & Vector256.Create(0x7FFFu)) << 13).AsSingle() * Vector256.Create(Rescale);
        Vector256<uint> special = Vector256.GreaterThanOrEqual(scaled, Vector256.Create(65536f)).AsUInt32() & Vector256.Create(0x7F800000u);
        return (scaled.AsUInt32() | special | ((bits & Vector256.Create(0x8000u)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source)
    {
        Vector512<uint> bits = Widen.To512((ushort*)source);
        Vector512<float> scaled = ((bits & Vector512.Create(0x7FFFu)) << 13).AsSingle() * Vector512.Create(Rescale);
        Vector512<uint> special = Vector512.GreaterThanOrEqual(scaled, Vector512.Create(65536f)).AsUInt32() & Vector512.Create(0x7F800000u);
        return (scaled.AsUInt32() | special | ((bits & Vector512.Create(0x8000u)) << 16)).AsSingle();
    }
}
