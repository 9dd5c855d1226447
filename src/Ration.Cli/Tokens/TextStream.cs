using Ration.Tokenizers;

namespace Ration.Cli.Tokens;

/// <summary>Text of any length into tokens, in bounded memory.</summary>
internal static class TextStream
{
    private const int PieceBytes = 256 << 10;

    // What decides whether a text begins with an added token.
    private const int BeginningBytes = 4 << 10;

    // Text that a tokenizer cannot cut anywhere is held whole; so much of it is no text any more.
    private const int LongestPiece = 1 << 30;

    /// <summary>Encodes a text to its end.</summary>
    /// <param name="tokenizer">Makes the tokens.</param>
    /// <param name="text">UTF-8 bytes.</param>
    /// <param name="writer">Takes the tokens.</param>
    /// <param name="addSpecial">Whether to add the tokens that begin and end a text, where the tokenizer says so.</param>
    /// <param name="cancellation">Looked at between pieces.</param>
    public static void Encode(ITokenizer tokenizer, Stream text, TokenWriter writer, bool addSpecial, CancellationToken cancellation)
    {
        TextTokenizer? added = addSpecial ? tokenizer as TextTokenizer : null;
        if (added is { AddBeginning: true, BeginningId: { } beginning }) writer.Write([beginning]);
        byte[] bytes = new byte[PieceBytes];
        int[] tokens = new int[PieceBytes];
        int length = 0;
        bool hasBegun = false, isFinal = false;
        while (!isFinal)
        {
            cancellation.ThrowIfCancellationRequested();
            Span<byte> room = bytes.AsSpan(length, bytes.Length - length - (hasBegun ? 0 : tokenizer.TextPrefix.Length));
            int read = hasBegun ? text.Read(room) : text.ReadAtLeast(room, BeginningBytes, throwOnEndOfStream: false);
            isFinal = read == 0;
            length += read;
            if (!isFinal && !hasBegun)
            {
                length += tokenizer.InsertPrefix(bytes, length);
                hasBegun = true;
            }

            int consumed = Encode(tokenizer, bytes.AsSpan(0, length), tokens, isFinal, writer);
            bytes.AsSpan(consumed, length - consumed).CopyTo(bytes);
            length -= consumed;
            if (length >= bytes.Length / 2) Grow(ref bytes);
        }

        if (added is { AddEnd: true, EndId: { } end }) writer.Write([end]);
    }

    /// <summary>A whole text.</summary>
    /// <exception cref="InvalidInputException">It is too long to be held.</exception>
    public static byte[] ReadAll(Stream text)
    {
        using MemoryStream all = new();
        byte[] piece = new byte[PieceBytes];
        for (int read; (read = text.Read(piece)) > 0;)
        {
            if (all.Length + read > LongestPiece) throw new InvalidInputException($"the text has more than {LongestPiece} bytes, too many to be looked at as a whole; cut it");
            all.Write(piece, 0, read);
        }

        return all.ToArray();
    }

    private static int Encode(ITokenizer tokenizer, ReadOnlySpan<byte> text, int[] tokens, bool isFinal, TokenWriter writer)
    {
        int done = 0;
        while (done < text.Length)
        {
            tokenizer.Encode(text[done..], tokens, isFinal, out int consumed, out int written);
            writer.Write(tokens.AsSpan(0, written));
            done += consumed;
            if (consumed == 0 && written == 0) break;
        }

        return done;
    }

    private static void Grow(ref byte[] bytes)
    {
        if (bytes.Length >= LongestPiece) throw new InvalidInputException("the text has a single word of more than 512 MiB; check which file this is");
        Array.Resize(ref bytes, 2 * bytes.Length);
    }
}
