using System.Runtime.CompilerServices;

namespace Ration.Tensors.Formats;

/// <summary>The F16 scales of blocks, one at a time, in a few integer operations.</summary>
internal static unsafe class HalfPrecision
{
    private const uint Rebias = 112u << 23, SmallestNormal = 113u << 23;

    /// <summary>The F16 at <paramref name="source"/>, exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Read(byte* source)
    {
        uint stored = *(ushort*)source, bits = (stored & 0x7FFF) << 13, exponent = bits & (31u << 23);
        float size = BitConverter.UInt32BitsToSingle(bits + Rebias + (exponent == 31u << 23 ? Rebias : 0));

        // Without an exponent the fraction is made part of a normal number, whose implied bit is then taken away.
        if (exponent == 0) size = BitConverter.UInt32BitsToSingle(bits + SmallestNormal) - BitConverter.UInt32BitsToSingle(SmallestNormal);
        return BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(size) | ((stored & 0x8000) << 16));
    }

    /// <summary>Stores the nearest F16, ties to even, and returns what was stored; what is not a number becomes the quiet one without payload.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Write(float value, byte* target)
    {
        *(ushort*)target = Round(value);
        return Read(target);
    }

    /// <summary>The bits of the nearest F16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Round(float value)
    {
        if (!float.IsNaN(value)) return BitConverter.HalfToUInt16Bits((Half)value);
        return (ushort)(0x7E00 | ((BitConverter.SingleToUInt32Bits(value) >> 16) & 0x8000));
    }
}
