using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Ration.Files.Gguf;

namespace Ration.Tests.Files.Gguf;

/// <summary>Builds GGUF files byte by byte, so that every field can be wrong.</summary>
internal sealed class GgufBytes
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public GgufBytes(ulong tensors = 0, ulong entries = 0, uint version = 3)
    {
        Raw("GGUF"u8).U32(version).U64(tensors).U64(entries);
    }

    public GgufBytes Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        return U64((ulong)utf8.Length).Raw(utf8);
    }

    public GgufBytes Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public GgufBytes U32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.GetSpan(sizeof(uint)), value);
        _bytes.Advance(sizeof(uint));
        return this;
    }

    public GgufBytes U64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(sizeof(ulong)), value);
        _bytes.Advance(sizeof(ulong));
        return this;
    }

    public GgufBytes Entry(string key, GgufType type) => Text(key).U32((uint)type);

    public GgufBytes Entry(string key, GgufType type, params ReadOnlySpan<byte> value) => Entry(key, type).Raw(value);

    public GgufBytes Number(string key, uint value) => Entry(key, GgufType.UInt32).U32(value);

    public GgufBytes Entry(string key, string value) => Entry(key, GgufType.String).Text(value);

    public GgufBytes Array(string key, GgufType element, ulong count) => Entry(key, GgufType.Array).U32((uint)element).U64(count);

    public GgufBytes Tensor(string name, uint type, ulong offset, params ReadOnlySpan<ulong> innermostFirst)
    {
        Text(name).U32((uint)innermostFirst.Length);
        foreach (ulong size in innermostFirst) U64(size);
        return U32(type).U64(offset);
    }

    public GgufBytes Align(int alignment = 32)
    {
        while (_bytes.WrittenCount % alignment != 0) Raw(0);
        return this;
    }

    public GgufBytes Zeros(int count) => Raw(new byte[count]);

    public byte[] Done() => _bytes.WrittenSpan.ToArray();
}
