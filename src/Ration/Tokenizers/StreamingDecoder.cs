using System.Buffers;
using System.Text;

namespace Ration.Tokenizers;

/// <summary>
/// Text from tokens as they arrive. A character whose bytes are spread over several tokens appears when its last byte does, so every piece
/// is whole characters; bytes that cannot become one appear as U+FFFD.
/// </summary>
/// <param name="tokenizer">Knows the bytes of a token.</param>
public sealed class StreamingDecoder(ITokenizer tokenizer)
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    /// <summary>What one more token completes; often empty.</summary>
    /// <exception cref="InvalidInputException">The id is not in the vocabulary.</exception>
    public string Append(int token) => Append([token]);

    /// <summary>What some more tokens complete.</summary>
    /// <exception cref="InvalidInputException">An id is not in the vocabulary.</exception>
    public string Append(ReadOnlySpan<int> tokens)
    {
        var bytes = new ArrayBufferWriter<byte>(Math.Max(tokens.Length, 16));
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)tokenizer.VocabularySize)
                throw new InvalidInputException($"there is no token {token}; ids go from 0 to {tokenizer.VocabularySize - 1}");
            bytes.Write(tokenizer.Bytes(token));
        }

        return Decode(bytes.WrittenSpan, flush: false);
    }

    /// <summary>Ends the text: U+FFFD if it stops inside a character, else nothing. The decoder can then be used again.</summary>
    public string Finish() => Decode([], flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        char[] characters = new char[_decoder.GetCharCount(bytes, flush)];
        int count = _decoder.GetChars(bytes, characters, flush);
        return new string(characters, 0, count);
    }
}
