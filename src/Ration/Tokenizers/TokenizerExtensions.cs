using System.Buffers;
using System.Text;
using Ration.Tokenizers.Merging;

namespace Ration.Tokenizers;

/// <summary>Whole texts at once.</summary>
public static class TokenizerExtensions
{
    // Its bytes and numbers, its place in hash tables, its merge.
    private const int HostBytesOfToken = 96;

    /// <summary>Managed memory that a vocabulary takes, for plans.</summary>
    public static long HostBytes(this ITokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return HostBytes(tokenizer.VocabularySize);
    }

    /// <summary>Managed memory that a vocabulary of so many tokens takes, for plans.</summary>
    public static long HostBytes(int vocabulary) => (long)vocabulary * HostBytesOfToken;

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
        return tokenizer.EncodeStretch(text, startsText: true);
    }

    /// <summary>Puts before the start of a text what goes before it (<see cref="ITokenizer.PrefixOf"/>).</summary>
    /// <param name="tokenizer">Says what.</param>
    /// <param name="buffer">Holds the start of the text, and has room for <see cref="ITokenizer.TextPrefix"/> behind it.</param>
    /// <param name="length">Bytes of text in the buffer: all of it, or some kilobytes.</param>
    /// <returns>Bytes put in.</returns>
    public static int InsertPrefix(this ITokenizer tokenizer, Span<byte> buffer, int length)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ReadOnlySpan<byte> prefix = tokenizer.PrefixOf(buffer[..length], startsText: true);
        if (prefix.IsEmpty) return 0;
        buffer[..length].CopyTo(buffer[prefix.Length..]);
        prefix.CopyTo(buffer);
        return prefix.Length;
    }

    /// <summary>The token ids of text without added tokens.</summary>
    /// <param name="tokenizer">Makes them.</param>
    /// <param name="text">Up to the end of the text or an added token.</param>
    /// <param name="startsText">Whether it begins the text, or follows an added token.</param>
    internal static int[] EncodeStretch(this ITokenizer tokenizer, ReadOnlySpan<byte> text, bool startsText)
    {
        ReadOnlySpan<byte> prefix = tokenizer.PrefixOf(text, startsText);
        if (prefix.IsEmpty) return EncodeRest(tokenizer, text);
        byte[] prefixed = ArrayPool<byte>.Shared.Rent(prefix.Length + text.Length);
        prefix.CopyTo(prefixed);
        text.CopyTo(prefixed.AsSpan(prefix.Length));
        int[] tokens = EncodeRest(tokenizer, prefixed.AsSpan(0, prefix.Length + text.Length));
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

    /// <summary>The token ids of text that goes on where another ended, or has its prefix.</summary>
    internal static int[] EncodeRest(this ITokenizer tokenizer, ReadOnlySpan<byte> text)
    {
        int[] room = ArrayPool<int>.Shared.Rent(text.Length);
        var tokens = new ArrayBufferWriter<int>(Math.Max(text.Length / 4, 16));
        while (!text.IsEmpty)
        {
            int consumed, written;
            if (tokenizer is PieceTokenizer pieces) pieces.Encode(text, room, isFinal: true, mayCut: false, out consumed, out written);
            else tokenizer.Encode(text, room, isFinal: true, out consumed, out written);
            tokens.Write(room.AsSpan(0, written));
            text = text[consumed..];
            if (consumed > 0) continue;
            // What a normalizer makes of one piece can be more tokens than the text has bytes; cut, it would be other tokens.
            int length = checked(2 * room.Length);
            ArrayPool<int>.Shared.Return(room);
            room = ArrayPool<int>.Shared.Rent(length);
        }

        ArrayPool<int>.Shared.Return(room);
        return tokens.WrittenSpan.ToArray();
    }
}
