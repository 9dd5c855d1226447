using System.Buffers.Binary;

namespace Ration.Tokenizers.SentencePiece;

/// <summary>Reads the fields of one Protocol Buffers message (the published wire format); every length is checked against the bytes that
/// are there.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private const int MostVarintBytes = 10;

    private ReadOnlySpan<byte> _rest = message;
    private int _wireType;

    /// <summary>The number of the field last found.</summary>
    public int Field { get; private set; }

    /// <summary>Goes to the next field, whose value must then be read or skipped.</summary>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="FormatException">What follows is no field.</exception>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        ulong key = Varint();
        if (key >> 3 is 0 or > 0x1FFF_FFFF) throw new FormatException($"there is no field number {key >> 3}");
        Field = (int)(key >> 3);
        _wireType = (int)(key & 7);
        return true;
    }

    /// <summary>A number stored as a varint.</summary>
    public ulong ReadVarint()
    {
        Require(0);
        return Varint();
    }

    /// <summary>A whole number from −2³¹ to 2³¹ − 1.</summary>
    public int ReadInt32()
    {
        long value = (long)ReadVarint();
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw new FormatException($"field {Field} is {value}, out of the range of its type");
    }

    /// <summary>A 32-bit floating-point number.</summary>
    public float ReadSingle()
    {
        Require(5);
        return BinaryPrimitives.ReadSingleLittleEndian(Take(sizeof(float)));
    }

    /// <summary>The bytes of a string, a byte string or an inner message.</summary>
    public ReadOnlySpan<byte> ReadBytes()
    {
        Require(2);
        return Take(Varint());
    }

    /// <summary>Passes over a value.</summary>
    public void Skip()
    {
        switch (_wireType)
        {
            case 0:
                _ = Varint();
                break;
            case 1:
                _ = Take(sizeof(ulong));
                break;
            case 2:
                _ = Take(Varint());
                break;
            case 5:
                _ = Take(sizeof(uint));
                break;
            default:
                throw new FormatException($"field {Field} has the unknown wire type {_wireType}");
        }
    }

    private readonly void Require(int wireType)
    {
        if (_wireType != wireType) throw new FormatException($"field {Field} has wire type {_wireType} where {wireType} belongs");
    }

    private ReadOnlySpan<byte> Take(ulong bytes)
    {
        if (bytes > (ulong)_rest.Length) throw new FormatException($"field {Field} says that it has {bytes} bytes, and {_rest.Length} are left");
        ReadOnlySpan<byte> taken = _rest[..(int)bytes];
        _rest = _rest[(int)bytes..];
        return taken;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int i = 0; i < MostVarintBytes; i++)
        {
            if (i >= _rest.Length) throw new FormatException("it ends inside a number");
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return value;
        }

        throw new FormatException("a number has more than ten bytes");
    }
}
