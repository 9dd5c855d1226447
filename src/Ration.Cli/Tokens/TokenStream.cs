using Ration.Tokenizers;

namespace Ration.Cli.Tokens;

/// <summary>Token ids, written as numbers, into text.</summary>
internal static class TokenStream
{
    private const int PieceBytes = 64 << 10;

    /// <summary>Writes the bytes that the tokens stand for, which are those that were encoded even where they are no UTF-8.</summary>
    /// <param name="tokenizer">Knows the tokens.</param>
    /// <param name="ids">Whole numbers with spaces, commas, brackets or line ends between them.</param>
    /// <param name="text">Takes the bytes.</param>
    /// <param name="showSpecial">Whether tokens that are not text are spelt out.</param>
    /// <param name="cancellation">Looked at between pieces.</param>
    /// <exception cref="InvalidInputException">Something is no token id.</exception>
    public static void Decode(ITokenizer tokenizer, Stream ids, Stream text, bool showSpecial, CancellationToken cancellation)
    {
        // Not disposed, as that would close the stream beneath; after a fault, what it holds is not written.
        BufferedStream output = new(text, PieceBytes);
        Decoding decoding = new(tokenizer, output, showSpecial);
        byte[] piece = new byte[PieceBytes];
        long place = 0;
        long id = -1;
        for (int read; (read = ids.Read(piece)) > 0; place += read)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < read; i++)
            {
                byte c = piece[i];
                if (c is >= (byte)'0' and <= (byte)'9') id = Math.Min((10 * Math.Max(0, id)) + (c - '0'), int.MaxValue);
                else if (!IsSeparator(c))
                    throw new InvalidInputException(
                        $"byte {place + i + 1} of the token ids is '{(char.IsAsciiLetterOrDigit((char)c) || char.IsPunctuation((char)c) ? (char)c : '?')}'; "
                        + "give whole numbers with spaces or commas between them");
                else if (id >= 0) Take(ref id, decoding);
            }
        }

        if (id >= 0) Take(ref id, decoding);
        output.Flush();
    }

    private static void Take(ref long id, Decoding decoding)
    {
        decoding.Add((int)id);
        id = -1;
    }

    private static bool IsSeparator(byte c) => c is (byte)' ' or (byte)',' or (byte)'[' or (byte)']' or (byte)'\n' or (byte)'\r' or (byte)'\t';

    private sealed class Decoding(ITokenizer tokenizer, Stream output, bool showSpecial)
    {
        private bool _atStart = true;

        public void Add(int token)
        {
            if (token >= tokenizer.VocabularySize) throw new InvalidInputException($"there is no token {token}; ids go from 0 to {tokenizer.VocabularySize - 1}");
            if (showSpecial && tokenizer.SpecialBytes(token) is { IsEmpty: false } special)
            {
                // The space after it is no longer the one before the text.
                _atStart = false;
                output.Write(special);
            }

            ReadOnlySpan<byte> bytes = tokenizer.Bytes(token);
            if (bytes.IsEmpty) return;
            if (_atStart && bytes.StartsWith(tokenizer.TextPrefix)) bytes = bytes[tokenizer.TextPrefix.Length..];
            _atStart = false;
            output.Write(bytes);
        }
    }
}
