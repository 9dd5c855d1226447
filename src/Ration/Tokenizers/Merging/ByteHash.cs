using System.Buffers.Binary;

namespace Ration.Tokenizers.Merging;

/// <summary>A hash of bytes and of pairs, with a seed of the process: no file can be made whose keys collide.</summary>
internal static class ByteHash
{
    private const ulong Factor = 0x9E3779B97F4A7C15;
    private static readonly ulong s_seed = (ulong)Random.Shared.NextInt64();

    /// <summary>Of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        ulong hash = s_seed ^ (uint)bytes.Length;
        for (; bytes.Length >= 8; bytes = bytes[8..]) hash = Fold(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        ulong rest = 0;
        foreach (byte b in bytes) rest = (rest << 8) | b;
        return (uint)Fold(hash ^ rest);
    }

    /// <summary>Of a number.</summary>
    public static uint Of(ulong value) => (uint)Fold(s_seed ^ value);

    private static ulong Fold(ulong value)
    {
        ulong high = Math.BigMul(value, Factor, out ulong low);
        return high ^ low;
    }
}
