using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Ration.Files.Gguf;

/// <summary>Puts the words of a GGUF head one after another.</summary>
internal sealed class GgufEncoder
{
    private readonly ArrayBufferWriter<byte> _bytes = new(1024);

    /// <summary>How many bytes there are.</summary>
    public int Count => _bytes.WrittenCount;

    /// <summary>The bytes so far.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

    public GgufEncoder Raw(ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public GgufEncoder UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.GetSpan(sizeof(uint)), value);
        _bytes.Advance(sizeof(uint));
        return this;
    }

    public GgufEncoder UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(sizeof(ulong)), value);
        _bytes.Advance(sizeof(ulong));
        return this;
    }

    public GgufEncoder Text(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        UInt64((ulong)length);
        Encoding.UTF8.GetBytes(text, _bytes.GetSpan(length));
        _bytes.Advance(length);
        return this;
    }

    public GgufEncoder ArrayOf(GgufType element, int count) => UInt32((uint)element).UInt64((ulong)count);

    /// <summary>Zeros up to a multiple of <paramref name="alignment"/>.</summary>
    public GgufEncoder Align(int alignment)
    {
        while (Count % alignment != 0)
        {
            int zeros = Math.Min(alignment - (Count % alignment), 4096);
            _bytes.GetSpan(zeros)[..zeros].Clear();
            _bytes.Advance(zeros);
        }

        return this;
    }
}
