using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

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
/// IEEE binary16. Exponent and fraction moved to their places in an f32 make the number 2⁻¹¹² times too small, subnormal numbers
/// included; what was infinite or not a number comes out at 65,536 or above and gets all bits of the exponent.
/// </summary>
internal readonly unsafe struct HalfElement : IElement
{
    private const int Kept = unchecked((int)0x8FFFE000), Infinite = 0x7F800000;
    private const float Rebias = 5.192296858534828e33f, FirstSpecial = 65536;

    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => (float)*(Half*)source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* source)
    {
        Vector128<float> value = ((Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)source).AsInt16()) << 13) & Vector128.Create(Kept)).AsSingle() * Vector128.Create(Rebias);
        Vector128<float> special = Vector128.GreaterThanOrEqual(Vector128.Abs(value), Vector128.Create(FirstSpecial));
        return value | (special & Vector128.Create(Infinite).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* source)
    {
        Vector256<float> value = ((Widen.Signed256((short*)source) << 13) & Vector256.Create(Kept)).AsSingle() * Vector256.Create(Rebias);
        Vector256<float> special = Vector256.GreaterThanOrEqual(Vector256.Abs(value), Vector256.Create(FirstSpecial));
        return value | (special & Vector256.Create(Infinite).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* source)
    {
        Vector512<float> value = ((Widen.Signed512((short*)source) << 13) & Vector512.Create(Kept)).AsSingle() * Vector512.Create(Rebias);
        Vector512<float> special = Vector512.GreaterThanOrEqual(Vector512.Abs(value), Vector512.Create(FirstSpecial));
        return value | (special & Vector512.Create(Infinite).AsSingle());
    }
}
