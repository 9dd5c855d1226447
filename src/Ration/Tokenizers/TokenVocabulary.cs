using Ration.Tokenizers.Merging;

namespace Ration.Tokenizers;

/// <summary>The tokens of a tokenizer: their bytes, kinds and scores by id, and ids by bytes. Immutable; made by
/// <see cref="TokenVocabularyBuilder"/>.</summary>
public sealed class TokenVocabulary
{
    /// <summary>The most tokens of a vocabulary.</summary>
    public const int MaxCount = 1 << 24;

    /// <summary>The longest token, in bytes: what keeps a look-up, and so encoding, in bounds whatever a file holds.</summary>
    public const int MaxTokenBytes = 4096;

    private readonly byte[] _bytes;
    private readonly int[] _offsets;
    private readonly TokenKind[] _kinds;
    private readonly float[] _scores;
    private readonly int[] _slots;
    private readonly int[] _byteTokens = new int[256];

    internal TokenVocabulary(byte[] bytes, int[] offsets, TokenKind[] kinds, float[] scores)
    {
        (_bytes, _offsets, _kinds, _scores) = (bytes, offsets, kinds, scores);
        _slots = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(kinds.Length * 2) + 2)];
        _slots.AsSpan().Fill(-1);
        _byteTokens.AsSpan().Fill(-1);
        // Several tokens may have the same bytes; what text becomes is the normal one, then the first.
        for (int token = 0; token < kinds.Length; token++) if (kinds[token] == TokenKind.Normal) Insert(token);
        for (int token = 0; token < kinds.Length; token++) if (kinds[token] is TokenKind.UserDefined or TokenKind.Unused) Insert(token);
        for (int token = kinds.Length - 1; token >= 0; token--)
        {
            if (kinds[token] == TokenKind.Unknown) UnknownToken = token;
            if (kinds[token] == TokenKind.Byte && Bytes(token) is [byte value]) _byteTokens[value] = token;
        }
    }

    /// <summary>How many tokens there are; ids are 0 … this − 1.</summary>
    public int Count => _kinds.Length;

    /// <summary>The first token that stands for text no other covers; −1 if there is none.</summary>
    public int UnknownToken { get; private set; } = -1;

    /// <summary>Bytes of the longest token that text can become.</summary>
    public int LongestTextToken { get; private set; }

    /// <summary>The bytes of a token: its text, also where that is only a name, as of control tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public ReadOnlySpan<byte> Bytes(int token)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)token, (uint)_kinds.Length, nameof(token));
        return _bytes.AsSpan(_offsets[token].._offsets[token + 1]);
    }

    /// <summary>What a token is for.</summary>
    public TokenKind Kind(int token) => _kinds[token];

    /// <summary>The higher, the sooner merged or the likelier; 0 where the vocabulary has no scores.</summary>
    public float Score(int token) => _scores.Length == 0 ? 0 : _scores[token];

    /// <summary>The token for one byte that no other token covers; −1 if there is none.</summary>
    public int ByteToken(byte value) => _byteTokens[value];

    /// <summary>The token (normal, user-defined or unused) with these bytes; −1 if there is none.</summary>
    public int Find(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > LongestTextToken) return -1;
        for (int slot = Slot(bytes); ; slot = (slot + 1) & (_slots.Length - 1))
        {
            int token = _slots[slot];
            if (token < 0) return -1;
            int start = _offsets[token];
            if (_offsets[token + 1] - start == bytes.Length && _bytes.AsSpan(start, bytes.Length).SequenceEqual(bytes)) return token;
        }
    }

    /// <summary>The first token of any kind with these bytes; −1 if there is none. Looks at every token: for configuration, not for text.</summary>
    public int FindAny(ReadOnlySpan<byte> bytes)
    {
        for (int token = 0; token < Count; token++) if (Bytes(token).SequenceEqual(bytes)) return token;
        return -1;
    }

    private int Slot(ReadOnlySpan<byte> bytes) => (int)ByteHash.Of(bytes) & (_slots.Length - 1);

    private void Insert(int token)
    {
        ReadOnlySpan<byte> bytes = Bytes(token);
        if (bytes.IsEmpty) return;
        LongestTextToken = Math.Max(LongestTextToken, bytes.Length);
        if (Find(bytes) >= 0) return;
        int slot = Slot(bytes);
        while (_slots[slot] >= 0) slot = (slot + 1) & (_slots.Length - 1);
        _slots[slot] = token;
    }
}
