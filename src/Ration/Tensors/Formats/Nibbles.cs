using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>Parts of bytes, sixteen bytes at a time.</summary>
internal static unsafe class Nibbles
{
    /// <summary>The lower four bits of each byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Low(Vector128<byte> bytes) => bytes & Vector128.Create((byte)0x0F);

    /// <summary>The upper four bits of each byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> High(Vector128<byte> bytes) => (bytes.AsUInt16() >>> 4).AsByte() & Vector128.Create((byte)0x0F);

    /// <summary>Two bits of each byte from bit <paramref name="shift"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Two(Vector128<byte> bytes, int shift) => (bytes.AsUInt16() >>> shift).AsByte() & Vector128.Create((byte)3);

    /// <summary><paramref name="value"/> in each byte whose bits in <paramref name="mask"/> (one bit) are set, 0 in others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> WhereSet(Vector128<byte> bytes, byte mask, byte value) =>
        Vector128.Equals(bytes & Vector128.Create(mask), Vector128.Create(mask)) & Vector128.Create(value);

    /// <summary>16 in byte i where bit i of <paramref name="bits"/> is set, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> FifthBits(ushort bits)
    {
        Vector128<byte> place = Vector128.Create(0x8040201008040201ul).AsByte();
        Vector128<byte> spread = Vector128.Create((bits & 0xFFul) * 0x0101010101010101, (ulong)(bits >> 8) * 0x0101010101010101).AsByte();
        return Vector128.Equals(spread & place, place) & Vector128.Create((byte)16);
    }
}
