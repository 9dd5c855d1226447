using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Ration.Tokenizers.Merging;

/// <summary>The tokens of short pieces met lately. Of fixed size: a piece takes the place of another with the same hash. For one thread.</summary>
internal sealed class PieceCache
{
    private const int Slots = 1 << 13;
    private const int MaxBytes = 24;
    private const int MaxTokens = 8;
    private readonly Entry[] _entries = new Entry[Slots];

    [InlineArray(MaxTokens)]
    private struct TokenArray
    {
        private int _first;
    }

    private struct Entry
    {
        public ulong A, B, C;
        public byte Bytes, Count;
        public TokenArray Tokens;
    }

    /// <summary>The key of a piece; false if it is too long to be kept.</summary>
    public static bool TryKey(ReadOnlySpan<byte> piece, out PieceKey key)
    {
        key = default;
        if (piece.Length > MaxBytes) return false;
        key.Length = piece.Length;
        key.A = Word(piece);
        if (piece.Length > 8) key.B = Word(piece[8..]);
        if (piece.Length > 16) key.C = Word(piece[16..]);
        key.Slot = (int)(ByteHash.Of(key.A ^ (key.B * 3) ^ (key.C * 5) ^ (uint)piece.Length) & (Slots - 1));
        return true;
    }

    /// <summary>The tokens of a piece; empty if it is not there.</summary>
    public ReadOnlySpan<int> Find(scoped in PieceKey key)
    {
        ref Entry entry = ref _entries[key.Slot];
        return entry.A == key.A && entry.B == key.B && entry.C == key.C && entry.Bytes == key.Length ? ((ReadOnlySpan<int>)entry.Tokens)[..entry.Count] : [];
    }

    /// <summary>Keeps the tokens of a piece, unless they are many.</summary>
    public void Add(in PieceKey key, ReadOnlySpan<int> tokens)
    {
        if (tokens.Length > MaxTokens) return;
        ref Entry entry = ref _entries[key.Slot];
        (entry.A, entry.B, entry.C, entry.Bytes, entry.Count) = (key.A, key.B, key.C, (byte)key.Length, (byte)tokens.Length);
        tokens.CopyTo(entry.Tokens);
    }

    private static ulong Word(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= 8) return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        ulong word = 0;
        for (int i = 0; i < bytes.Length; i++) word |= (ulong)bytes[i] << (8 * i);
        return word;
    }
}
