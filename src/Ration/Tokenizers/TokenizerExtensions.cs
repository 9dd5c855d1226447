using System.Buffers;
using System.Text;

namespace Ration.Tokenizers;

/// <summary>Whole texts at once.</summary>
public static class TokenizerExtensions
{
    private static readonly EncodingOptions s_textOnly = new() { AddBeginning = false, AddEnd = false };

    /// <summary>The token ids of a text.</summary>
    public static int[] Encode(this ITokenizer tokenizer, string text) => tokenizer.Encode(Encoding.UTF8.GetBytes(text));

    /// <summary>The token ids of a UTF-8 text.</summary>
    public static int[] Encode(this ITokenizer tokenizer, ReadOnlySpan<byte> text)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (text.IsEmpty) return [];
        // It alone sees whether a text begins with a token that nothing goes before.
        if (tokenizer is TextTokenizer added) return added.Encode(text, s_textOnly);
        if (tokenizer.TextPrefix.IsEmpty) return EncodeRest(tokenizer, text);
        byte[] prefixed = ArrayPool<byte>.Shared.Rent(tokenizer.TextPrefix.Length + text.Length);
        tokenizer.TextPrefix.CopyTo(prefixed);
        text.CopyTo(prefixed.AsSpan(tokenizer.TextPrefix.Length));
        int[] tokens = EncodeRest(tokenizer, prefixed.AsSpan(0, tokenizer.TextPrefix.Length + text.Length));
        ArrayPool<byte>.Shared.Return(prefixed);
        return tokens;
    }

    /// <summary>The text of some tokens; bytes that are not UTF-8 become U+FFFD.</summary>
    /// <exception cref="InvalidInputException">An id is not in the vocabulary.</exception>
    public static string Decode(this ITokenizer tokenizer, ReadOnlySpan<int> tokens)
    {
        var decoder = new StreamingDecoder(tokenizer, startsText: true);
        return decoder.Append(tokens) + decoder.Finish();
    }

    // The text goes on where another ended, or has its prefix.
    private static int[] EncodeRest(ITokenizer tokenizer, ReadOnlySpan<byte> text)
    {
        int[] room = ArrayPool<int>.Shared.Rent(text.Length);
        var tokens = new ArrayBufferWriter<int>(Math.Max(text.Length / 4, 16));
        while (!text.IsEmpty)
        {
            tokenizer.Encode(text, room, isFinal: true, out int consumed, out int written);
            tokens.Write(room.AsSpan(0, written));
            text = text[consumed..];
        }

        ArrayPool<int>.Shared.Return(room);
        return tokens.WrittenSpan.ToArray();
    }
}
