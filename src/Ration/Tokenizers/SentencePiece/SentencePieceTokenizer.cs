using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Ration.Tokenizers.Merging;

namespace Ration.Tokenizers.SentencePiece;

/// <summary>
/// SentencePiece's byte-pair encoding: the characters of a text merge wherever both together are a token, the best score first. Characters
/// that no token covers become their bytes, or the unknown token. Source: Kudo and Richardson, 2018; the order of merges: its
/// <c>bpe_model.cc</c>.
/// </summary>
public sealed class SentencePieceTokenizer : PieceTokenizer
{
    // U+2581, as which files write a space.
    private static readonly byte[] s_spaceMark = [0xE2, 0x96, 0x81];
    private static readonly byte[] s_space = " "u8.ToArray();
    private readonly bool _addsSpace;
    private readonly ulong[] _neighbours;

    /// <summary>A tokenizer.</summary>
    /// <param name="vocabulary">Tokens with their own bytes and a score; spaces as U+0020 (<see cref="Unescape"/>).</param>
    /// <param name="addsSpace">Whether a space goes before each text.</param>
    public SentencePieceTokenizer(TokenVocabulary vocabulary, bool addsSpace = true)
        : base(vocabulary)
    {
        _addsSpace = addsSpace;
        _neighbours = Neighbours(vocabulary);
    }

    /// <inheritdoc/>
    public override string Name => "SentencePiece BPE";

    /// <inheritdoc/>
    internal override SpacePrefix Prefix => _addsSpace ? SpacePrefix.Always : SpacePrefix.Never;

    /// <summary>A token as it is written in files, with U+2581 for each space, as the text that it stands for.</summary>
    public static byte[] Unescape(ReadOnlySpan<byte> piece)
    {
        byte[] text = new byte[piece.Length];
        return text[..UnescapeInto(text, piece)];
    }

    /// <summary>A text as files write it, with U+2581 for each space.</summary>
    public static string Escape(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text).Replace(' ', '\u2581');

    /// <summary>How the token of a byte is written.</summary>
    public static string ByteText(byte value) => $"<0x{value:X2}>";

    /// <summary>The byte of a token that is written <c>&lt;0xNN&gt;</c>; false if it is written otherwise.</summary>
    public static bool TryReadByte(ReadOnlySpan<byte> piece, out byte value)
    {
        value = 0;
        return piece.Length == 6 && piece.StartsWith("<0x"u8) && piece[5] == '>'
            && Utf8Parser.TryParse(piece[3..5], out value, out int read, 'x') && read == 2;
    }

    // Nothing merges across two characters whose bytes stand side by side in no token, so texts can be cut between them.
    private protected override void Split(ReadOnlySpan<byte> text, bool isFinal, PieceList pieces)
    {
        if (text.IsEmpty) return;
        int last = text[0];
        for (int at = 1; at < text.Length; at++)
        {
            int next = text[at];
            int pair = (last << 8) | next;
            last = next;
            if ((_neighbours[pair >> 6] & (1UL << (pair & 63))) == 0) pieces.Add(at);
        }

        if (isFinal) pieces.Add(text.Length);
    }

    private protected override void Tokenize(ReadOnlySpan<byte> piece, SymbolMerger merger, TokenBuffer tokens)
    {
        if (piece.IndexOf(s_spaceMark) < 0)
        {
            merger.Merge(new Rule(Vocabulary), piece, tokens);
            return;
        }

        byte[] plain = ArrayPool<byte>.Shared.Rent(piece.Length);
        merger.Merge(new Rule(Vocabulary), plain.AsSpan(0, UnescapeInto(plain, piece)), tokens);
        ArrayPool<byte>.Shared.Return(plain);
    }

    private static int UnescapeInto(Span<byte> text, ReadOnlySpan<byte> piece)
    {
        int count = 0;
        while (true)
        {
            int mark = piece.IndexOf(s_spaceMark);
            ReadOnlySpan<byte> plain = mark < 0 ? piece : piece[..mark];
            plain.CopyTo(text[count..]);
            count += plain.Length;
            if (mark < 0) return count;
            text[count++] = (byte)' ';
            piece = piece[(mark + s_spaceMark.Length)..];
        }
    }

    // A bit for each pair of bytes that may not be parted.
    private static ulong[] Neighbours(TokenVocabulary vocabulary)
    {
        ulong[] neighbours = new ulong[256 * 256 / 64];
        for (int token = 0; token < vocabulary.Count; token++)
        {
            if (vocabulary.Kind(token) is TokenKind.Control or TokenKind.Unknown or TokenKind.Byte) continue;
            ReadOnlySpan<byte> bytes = vocabulary.Bytes(token);
            for (int i = 1; i < bytes.Length; i++) Set(neighbours, bytes[i - 1], bytes[i]);
        }

        bool coversBytes = true, coversSpace = vocabulary.Find(s_space) >= 0;
        for (int value = 0; value < 256; value++) coversBytes &= vocabulary.ByteToken((byte)value) >= 0;
        for (int left = 0; left < 256; left++)
        {
            for (int right = 0; right < 256; right++)
            {
                // Characters stay whole, and so do runs of what only the unknown token covers. U+2581 is a space, whose pairs are others.
                bool isInside = right is >= 0x80 and < 0xC0;
                bool mayBeUnknown = !coversBytes && !(coversSpace && left != ' ' && right == ' ');
                if (isInside || mayBeUnknown || right == s_spaceMark[0] || left == s_spaceMark[^1]) Set(neighbours, left, right);
            }
        }

        return neighbours;
    }

    private static void Set(ulong[] neighbours, int left, int right) => neighbours[((left << 8) | right) >> 6] |= 1UL << (right & 63);

    private readonly struct Rule(TokenVocabulary vocabulary) : IMergeRule
    {
        public int First(ReadOnlySpan<byte> text, out int length)
        {
            Rune.DecodeFromUtf8(text, out _, out length);
            return vocabulary.Find(text[..length]);
        }

        public bool TryMerge(int left, int right, ReadOnlySpan<byte> bytes, out uint priority, out int merged)
        {
            merged = vocabulary.Find(bytes);
            priority = merged < 0 ? 0 : Priority(vocabulary.Score(merged));
            return merged >= 0;
        }

        // The higher a score, the less this is.
        private static uint Priority(float score)
        {
            uint bits = BitConverter.SingleToUInt32Bits(score + 0f);
            return (bits >> 31) == 0 ? 0x7FFF_FFFF - bits : bits;
        }
    }
}
