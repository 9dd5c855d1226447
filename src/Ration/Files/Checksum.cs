using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace Ration.Files;

/// <summary>CRC-32C (Castagnoli; RFC 3720, appendix B.4) over bytes that arrive in pieces.</summary>
public struct Checksum
{
    private uint _value;

    /// <summary>The checksum of everything appended so far; 0 for nothing.</summary>
    public readonly uint Value => _value;

    /// <summary>The checksum of one piece.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        Checksum checksum = default;
        checksum.Append(bytes);
        return checksum.Value;
    }

    /// <summary>Continues with more bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~_value;
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (byte value in bytes) crc = BitOperations.Crc32C(crc, value);
        _value = ~crc;
    }

    /// <summary>Eight lower-case hexadecimal digits.</summary>
    public override readonly string ToString() => Value.ToString("x8", CultureInfo.InvariantCulture);
}
