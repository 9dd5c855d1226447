using System.Text;

namespace Ration.Tokenizers;

/// <summary>Whole texts at once.</summary>
public static class TokenizerExtensions
{
    private const int PieceTokens = 1024;

    /// <summary>The token ids of a text.</summary>
    public static int[] Encode(this ITokenizer tokenizer, string text) => tokenizer.Encode(Encoding.UTF8.GetBytes(text));

    /// <summary>The token ids of a UTF-8 text.</summary>
    public static int[] Encode(this ITokenizer tokenizer, ReadOnlySpan<byte> text)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        var tokens = new List<int>(Math.Min(text.Length, 1 << 16));
        Span<int> piece = stackalloc int[PieceTokens];
        while (!text.IsEmpty)
        {
            tokenizer.Encode(text, piece, isFinal: true, out int consumed, out int written);
            tokens.AddRange(piece[..written]);
            text = text[consumed..];
        }

        return [.. tokens];
    }

    /// <summary>The text of some tokens; bytes that are not UTF-8 become U+FFFD.</summary>
    /// <exception cref="InvalidInputException">An id is not in the vocabulary.</exception>
    public static string Decode(this ITokenizer tokenizer, ReadOnlySpan<int> tokens)
    {
        var decoder = new StreamingDecoder(tokenizer);
        return decoder.Append(tokens) + decoder.Finish();
    }
}
