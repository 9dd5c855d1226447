using System.Buffers.Binary;
using System.Text;
using Ration.Tokenizers;

namespace Ration.Tests.Tokenizers.SentencePiece;

/// <summary>Writes SentencePiece model files for tests.</summary>
internal sealed class SentencePieceFile
{
    private readonly List<byte> _bytes = [];

    public SentencePieceFile Piece(string text, float score, TokenKind kind = TokenKind.Normal)
    {
        byte[] bits = new byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(bits, score);
        Message(1, [.. Bytes(1, Encoding.UTF8.GetBytes(text)), 2 << 3 | 5, .. bits, .. Number(3, (int)kind)]);
        return this;
    }

    public SentencePieceFile Trainer(int algorithm, bool byteFallback, int beginning, int end)
    {
        Message(2, [.. Number(3, algorithm), .. Number(35, byteFallback ? 1 : 0), .. Number(41, beginning), .. Number(42, end), .. Bytes(7, "x"u8)]);
        return this;
    }

    public SentencePieceFile Normalizer(byte[] map, bool addPrefix, bool collapse)
    {
        Message(3, [.. Bytes(1, "nmt_nfkc"u8), .. Bytes(2, map), .. Number(3, addPrefix ? 1 : 0), .. Number(4, collapse ? 1 : 0)]);
        return this;
    }

    public byte[] ToArray() => [.. _bytes];

    private static byte[] Varint(ulong value)
    {
        List<byte> bytes = [];
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        return [.. bytes, (byte)value];
    }

    private static byte[] Number(int field, int value) => [.. Varint((ulong)field << 3), .. Varint((ulong)(long)value)];

    private static byte[] Bytes(int field, ReadOnlySpan<byte> value) => [.. Varint(((ulong)field << 3) | 2), .. Varint((ulong)value.Length), .. value];

    private void Message(int field, byte[] content) => _bytes.AddRange(Bytes(field, content));
}
