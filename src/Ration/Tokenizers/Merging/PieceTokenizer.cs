using System.Buffers;
using System.Text;

namespace Ration.Tokenizers.Merging;

/// <summary>
/// A tokenizer that cuts text into pieces and makes tokens of each piece by itself. Needs no memory but a fixed cache and what the longest
/// piece takes; a piece longer than 128 KiB is cut there.
/// </summary>
public abstract class PieceTokenizer : ITokenizer
{
    private const int SmallestWindow = 1 << 8;
    private const int UsualWindow = 1 << 15;
    private const int LargestWindow = 1 << 17;
    private PieceScratch? _spare;

    private protected PieceTokenizer(TokenVocabulary vocabulary)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        Vocabulary = vocabulary;
    }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public int VocabularySize => Vocabulary.Count;

    /// <inheritdoc/>
    public ReadOnlySpan<byte> TextPrefix => Prefix == SpacePrefix.Never ? [] : " "u8;

    /// <inheritdoc/>
    public ReadOnlySpan<byte> PrefixOf(ReadOnlySpan<byte> text, bool startsText)
    {
        bool hasSpace = text.StartsWith(" "u8) || text.StartsWith("\u2581"u8);
        bool takes = Prefix switch
        {
            SpacePrefix.Always => true,
            SpacePrefix.WhereMissing => !hasSpace,
            SpacePrefix.FirstWhereMissing => startsText && !hasSpace,
            _ => false,
        };
        return takes && !text.IsEmpty ? TextPrefix : [];
    }

    /// <summary>The tokens.</summary>
    public TokenVocabulary Vocabulary { get; }

    /// <summary>Where a space goes before a text.</summary>
    internal virtual SpacePrefix Prefix => SpacePrefix.Never;

    /// <summary>Whether characters side by side that no token covers become one unknown token together, or each its own.</summary>
    internal virtual bool FusesUnknown => true;

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(int token) => Vocabulary.Kind(CheckToken(token)) is TokenKind.Control or TokenKind.Unknown ? [] : Vocabulary.Bytes(token);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> SpecialBytes(int token) => Vocabulary.Kind(CheckToken(token)) is TokenKind.Control or TokenKind.Unknown ? Vocabulary.Bytes(token) : [];

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<byte> text, Span<int> tokens, bool isFinal, out int bytesConsumed, out int tokensWritten) =>
        Encode(text, tokens, isFinal, mayCut: true, out bytesConsumed, out tokensWritten);

    /// <summary>As the other; only where it <paramref name="mayCut"/> a piece is cut whose tokens alone do not fit, else nothing is written.</summary>
    internal void Encode(ReadOnlySpan<byte> text, Span<int> tokens, bool isFinal, bool mayCut, out int bytesConsumed, out int tokensWritten)
    {
        bytesConsumed = tokensWritten = 0;
        if (text.IsEmpty || tokens.IsEmpty) return;
        // One call at a time finds the scratch of the last; others at the same time make their own.
        PieceScratch scratch = Interlocked.Exchange(ref _spare, null) ?? new PieceScratch();
        int window = SmallestWindow;
        while (window < UsualWindow && window < 4L * tokens.Length) window *= 2;
        while (bytesConsumed < text.Length && tokensWritten < tokens.Length)
        {
            ReadOnlySpan<byte> rest = text[bytesConsumed..];
            int size = Math.Min(window, rest.Length);
            scratch.Pieces.Clear();
            Split(rest[..size], isFinal && size == rest.Length, scratch.Pieces);
            if (scratch.Pieces.Last == 0 && size == LargestWindow) scratch.Pieces.Add(Cut(rest[..size]));
            if (scratch.Pieces.Last == 0)
            {
                if (size == rest.Length) break;
                window *= 2;
                continue;
            }

            if (!EncodePieces(rest, tokens, mayCut, scratch, ref bytesConsumed, ref tokensWritten)) break;
        }

        _spare = scratch;
    }

    /// <summary>Adds the ends of the pieces that are certain: all if <paramref name="isFinal"/>. Splitting the rest of the text gives the
    /// rest of the pieces.</summary>
    private protected abstract void Split(ReadOnlySpan<byte> text, bool isFinal, PieceList pieces);

    /// <summary>The tokens of a piece; a negative one, −1 − b, is a byte b that no token covers.</summary>
    private protected abstract void Tokenize(ReadOnlySpan<byte> piece, SymbolMerger merger, TokenBuffer tokens);

    // False when there is no more room.
    private bool EncodePieces(ReadOnlySpan<byte> text, Span<int> tokens, bool mayCut, PieceScratch scratch, ref int bytesConsumed, ref int tokensWritten)
    {
        int start = 0;
        foreach (int end in scratch.Pieces.Ends)
        {
            ReadOnlySpan<byte> piece = text[start..end];
            ReadOnlySpan<int> found = TokensOf(piece, scratch);
            Span<int> room = tokens[tokensWritten..];
            if (found.Length > room.Length)
            {
                if (tokensWritten > 0 || !mayCut) return false;
                // Room for less than one piece: the part of it that surely fits, so that the caller gets on.
                while (found.Length > room.Length && piece.Length > 1)
                {
                    long limit = Math.Min(room.Length, (long)piece.Length * room.Length / found.Length);
                    piece = piece[..CharacterStart(piece, (int)Math.Clamp(limit, 1, piece.Length - 1))];
                    found = TokensOf(piece, scratch);
                }

                // A tokenizer that rewrites text can make more tokens than there are bytes, even of one character.
                found = found[..Math.Min(found.Length, room.Length)];
                found.CopyTo(room);
                tokensWritten = found.Length;
                bytesConsumed = piece.Length;
                return false;
            }

            for (int i = 0; i < found.Length; i++) room[i] = found[i];
            tokensWritten += found.Length;
            bytesConsumed += piece.Length;
            start = end;
        }

        return true;
    }

    // The last offset up to a limit at which a character starts; the limit itself where that would be none.
    private static int CharacterStart(ReadOnlySpan<byte> text, int limit)
    {
        int at = limit;
        while (at > 0 && limit - at < 4 && (text[at] & 0xC0) == 0x80) at--;
        return at == 0 || (text[at] & 0xC0) == 0x80 ? limit : at;
    }

    // Where a piece that is too long is cut: before a space if there is one late in it, else between characters.
    private static int Cut(ReadOnlySpan<byte> text)
    {
        int half = text.Length / 2;
        int space = text[half..].LastIndexOf((byte)' ');
        if (space >= 0) return half + space;
        int last = CharacterStart(text, text.Length - 1);
        return Rune.DecodeFromUtf8(text[last..], out _, out _) == OperationStatus.NeedMoreData ? last : text.Length;
    }

    // Bytes that no token covers: a byte token each, else an unknown token for each run of them or each character, else nothing.
    private void Resolve(TokenBuffer buffer)
    {
        Span<int> tokens = buffer.Tokens;
        int count = 0;
        bool wasUnknown = false;
        foreach (int token in tokens)
        {
            int resolved = token >= 0 ? token : Vocabulary.ByteToken((byte)(-1 - token));
            bool isUnknown = resolved < 0;
            if (isUnknown) resolved = wasUnknown && (FusesUnknown || ((-1 - token) & 0xC0) == 0x80) ? -1 : Vocabulary.UnknownToken;
            wasUnknown = isUnknown;
            if (resolved >= 0) tokens[count++] = resolved;
        }

        buffer.Truncate(count);
    }

    private int CheckToken(int token)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)token, (uint)VocabularySize, nameof(token));
        return token;
    }

    private ReadOnlySpan<int> TokensOf(ReadOnlySpan<byte> piece, PieceScratch scratch)
    {
        bool isShort = PieceCache.TryKey(piece, out PieceKey key);
        if (isShort && scratch.Cache.Find(key) is { IsEmpty: false } found) return found;
        scratch.Tokens.Clear();
        Tokenize(piece, scratch.Merger, scratch.Tokens);
        Resolve(scratch.Tokens);
        if (isShort) scratch.Cache.Add(key, scratch.Tokens.Tokens);
        return scratch.Tokens.Tokens;
    }
}
