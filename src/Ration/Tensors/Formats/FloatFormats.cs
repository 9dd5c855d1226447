using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>Floats of fewer bits, stored one by one.</summary>
internal unsafe interface IFloatFormat
{
    /// <summary>Bytes of an element.</summary>
    static abstract int Bytes { get; }

    /// <summary>Eight elements, exactly.</summary>
    static abstract Vector256<float> Load(byte* source);

    /// <summary>One element, exactly.</summary>
    static abstract float LoadOne(byte* source);

    /// <summary>Stores the nearest, ties to even.</summary>
    static abstract void Store(float value, byte* target);
}

/// <summary>bfloat16.</summary>
internal readonly unsafe struct BFloat16Format : IFloatFormat
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* source)
    {
        Vector128<ushort> stored = Vector128.Load((ushort*)source);
        return (Vector256.Create(Vector128.WidenLower(stored), Vector128.WidenUpper(stored)) << 16).AsSingle();
    }

    public static float LoadOne(byte* source) => BitConverter.UInt32BitsToSingle((uint)*(ushort*)source << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float value, byte* target)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        *(ushort*)target = (ushort)(float.IsNaN(value) ? (bits >> 16) | 0x40 : (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}

/// <summary>IEEE binary16; what is too large becomes infinite.</summary>
internal readonly unsafe struct HalfFormat : IFloatFormat
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* source)
    {
        Vector128<ushort> stored = Vector128.Load((ushort*)source);
        return Widened(Vector256.Create(Vector128.WidenLower(stored), Vector128.WidenUpper(stored)));
    }

    public static float LoadOne(byte* source) => HalfPrecision.Read(source);

    public static void Store(float value, byte* target) => *(ushort*)target = HalfPrecision.Round(value);

    /// <summary>Eight numbers from their F16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widened(Vector256<uint> stored)
    {
        Vector256<uint> sign = (stored & Vector256.Create(0x8000u)) << 16;
        return MovedExponent.Widen((stored & Vector256.Create(0x7FFFu)) << 13, 112, 31u << 23) | sign.AsSingle();
    }
}

/// <summary>
/// F8 E4M3: no infinities, NaN is all ones, the greatest is 448. Finite numbers beyond it become ± 448 (the saturating mode of the OCP
/// specification; PyTorch's conversion gives NaN instead), infinite ones NaN.
/// </summary>
internal readonly unsafe struct F8E4M3Format : IFloatFormat
{
    public static int Bytes => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* source)
    {
        Vector256<uint> stored = EightBits.Load(source), size = stored & Vector256.Create(0x7Fu);
        Vector256<uint> nan = Vector256.Equals(size, Vector256.Create(0x7Fu)) & Vector256.Create(0x7FC00000u);
        Vector256<uint> sign = (stored & Vector256.Create(0x80u)) << 24;
        return MovedExponent.Widen(size << 20, 120, uint.MaxValue >> 1) | (sign | nan).AsSingle();
    }

    public static float LoadOne(byte* source) => EightBits.LoadOne<F8E4M3Format>(source);

    public static void Store(float value, byte* target) => *target = EightBits.Round(value, 3, 7, 0x7E, 0x7F);
}

/// <summary>
/// F8 E5M2: the upper half of an F16. Finite numbers beyond 57344 become ± 57344 (the saturating mode of the OCP specification; PyTorch's
/// conversion gives infinity instead); infinite ones stay so.
/// </summary>
internal readonly unsafe struct F8E5M2Format : IFloatFormat
{
    public static int Bytes => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* source) => HalfFormat.Widened(EightBits.Load(source) << 8);

    public static float LoadOne(byte* source) => EightBits.LoadOne<F8E5M2Format>(source);

    public static void Store(float value, byte* target) => *target = EightBits.Round(value, 2, 15, 0x7B, 0x7C);
}

/// <summary>Widening by moving exponent and fraction to their places in an F32.</summary>
internal static class MovedExponent
{
    /// <summary>Magnitudes from bits that are in place but for the exponent's bias; from <paramref name="special"/> on the exponent is all ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widen(Vector256<uint> bits, int bias, uint special)
    {
        Vector256<uint> rebias = Vector256.Create((uint)bias << 23), least = Vector256.Create((uint)(bias + 1) << 23);
        Vector256<uint> more = Vector256.GreaterThanOrEqual(bits.AsInt32(), Vector256.Create((int)special)).AsUInt32() & rebias;
        Vector256<float> subnormal = (bits + least).AsSingle() - least.AsSingle();
        Vector256<uint> small = Vector256.LessThan(bits.AsInt32(), Vector256.Create(1 << 23)).AsUInt32();
        return Vector256.ConditionalSelect(small, subnormal.AsUInt32(), bits + rebias + more).AsSingle();
    }
}

/// <summary>What the two formats of eight bits share.</summary>
internal static unsafe class EightBits
{
    /// <summary>Eight bytes, each in 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Load(byte* source)
    {
        Vector128<ushort> wide = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsByte());
        return Vector256.Create(Vector128.WidenLower(wide), Vector128.WidenUpper(wide));
    }

    /// <summary>One element, by the way that eight take.</summary>
    public static float LoadOne<TFormat>(byte* source)
        where TFormat : struct, IFloatFormat
    {
        ulong eight = *source;
        return TFormat.Load((byte*)&eight).ToScalar();
    }

    /// <summary>The nearest, ties to even.</summary>
    /// <param name="value">Any number.</param>
    /// <param name="fraction">Bits of the fraction.</param>
    /// <param name="bias">Of the exponent.</param>
    /// <param name="greatest">Bits of the greatest finite number.</param>
    /// <param name="infinite">Bits of what stands for infinity.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Round(float value, int fraction, int bias, byte greatest, byte infinite)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value), size = bits & 0x7FFFFFFF, sign = (bits >> 24) & 0x80;
        if (size >= 0x7F800000) return (byte)(sign | (size > 0x7F800000 ? 0x7Fu : infinite));
        int dropped = 23 - fraction;
        uint normal = (size - ((uint)(127 - bias) << 23) + ((1u << (dropped - 1)) - 1) + ((size >> dropped) & 1)) >> dropped;

        // A sum with a number whose last place is the format's smallest step rounds to that step.
        uint step = (uint)(127 + 1 - bias + dropped) << 23;
        uint subnormal = BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(size) + BitConverter.UInt32BitsToSingle(step)) - step;
        uint rounded = size < (uint)(128 - bias) << 23 ? subnormal : uint.Min(normal, greatest);
        return (byte)(sign | rounded);
    }
}
