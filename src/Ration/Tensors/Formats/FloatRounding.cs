using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>How f32 numbers are rounded to 16 bits: to nearest, ties to even.</summary>
internal interface IRounding
{
    /// <summary>The 16 bits of the stored form, in 32.</summary>
    static abstract Vector256<uint> Round(Vector256<float> value);
}

/// <summary>To bfloat16; NaN stays NaN.</summary>
internal readonly struct BFloat16Rounding : IRounding
{
    public static Vector256<uint> Round(Vector256<float> value)
    {
        Vector256<uint> bits = value.AsUInt32(), upper = bits >>> 16;
        Vector256<uint> rounded = (bits + Vector256.Create(0x7FFFu) + (upper & Vector256.Create(1u))) >>> 16;
        return Vector256.ConditionalSelect(Vector256.Equals(value, value).AsUInt32(), rounded, upper | Vector256.Create(0x40u));
    }
}

/// <summary>To binary16: what is too large becomes infinite, subnormal numbers are kept, NaN becomes the quiet one.</summary>
internal readonly struct HalfRounding : IRounding
{
    public static Vector256<uint> Round(Vector256<float> value)
    {
        Vector256<uint> bits = value.AsUInt32(), sign = (bits >>> 16) & Vector256.Create(0x8000u);
        Vector256<uint> size = bits & Vector256.Create(0x7FFFFFFFu);

        // Normal: move the exponent's bias, add just under half a unit plus the lowest kept bit.
        Vector256<uint> normal = (size + Vector256.Create(0xC8000FFFu) + ((size >>> 13) & Vector256.Create(1u))) >>> 13;

        // Subnormal: adding one half leaves the lowest bits as the multiple of 2⁻²⁴, rounded by the addition itself.
        Vector256<uint> subnormal = (size.AsSingle() + Vector256.Create(0.5f)).AsUInt32() - Vector256.Create(0x3F000000u);

        Vector256<uint> result = Vector256.ConditionalSelect(Vector256.LessThan(size, Vector256.Create(0x38800000u)), subnormal,
            normal);
        result = Vector256.ConditionalSelect(Vector256.LessThan(size, Vector256.Create(0x477FF000u)), result,
            Vector256.Create(0x7C00u));
        Vector256<uint> isNan = Vector256.GreaterThan(size, Vector256.Create(0x7F800000u));
        return Vector256.ConditionalSelect(isNan, Vector256.Create(0x7E00u), result) | sign;
    }
}

/// <summary>How f32 numbers are rounded to 8 bits: to nearest, ties to even.</summary>
internal interface IByteRounding
{
    /// <summary>The stored byte.</summary>
    static abstract byte Round(float value);
}

/// <summary>
/// To F8 E4M3: no infinities, NaN is all ones, the greatest is 448. Finite numbers beyond it become ± 448 (the saturating mode of the OCP
/// specification; PyTorch's conversion gives NaN instead), infinite ones NaN.
/// </summary>
internal readonly struct ByteFloat43Rounding : IByteRounding
{
    public static byte Round(float value) => EightBits.Round(value, 3, 7, 0x7E, 0x7F);
}

/// <summary>
/// To F8 E5M2. Finite numbers beyond 57344 become ± 57344 (the saturating mode of the OCP specification; PyTorch's conversion gives infinity
/// instead); infinite ones stay so.
/// </summary>
internal readonly struct ByteFloat52Rounding : IByteRounding
{
    public static byte Round(float value) => EightBits.Round(value, 2, 15, 0x7B, 0x7C);
}

/// <summary>What the two formats of eight bits share.</summary>
internal static class EightBits
{
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
