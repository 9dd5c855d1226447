using System.Buffers;
using System.Text;

namespace Ration.Tokenizers;

/// <summary>
/// Text from tokens as they arrive. A character whose bytes are spread over several tokens appears when its last byte does, so every piece
/// is whole characters; bytes that cannot become one appear as U+FFFD.
/// </summary>
public sealed class StreamingDecoder
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly ITokenizer _tokenizer;
    private readonly bool _startsText;
    private readonly bool _showSpecial;
    private bool _atStart;

    /// <summary>A decoder.</summary>
    /// <param name="tokenizer">Knows the bytes of a token.</param>
    /// <param name="startsText">Whether the tokens begin a text, and <see cref="ITokenizer.TextPrefix"/> is to be taken off; else they go
    /// on where another text ended.</param>
    /// <param name="showSpecial">Whether tokens that are not text appear, as <see cref="ITokenizer.SpecialBytes"/> writes them.</param>
    public StreamingDecoder(ITokenizer tokenizer, bool startsText = false, bool showSpecial = false)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        (_tokenizer, _startsText, _showSpecial, _atStart) = (tokenizer, startsText, showSpecial, startsText);
    }

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
            if ((uint)token >= (uint)_tokenizer.VocabularySize)
                throw new InvalidInputException($"there is no token {token}; ids go from 0 to {_tokenizer.VocabularySize - 1}");
            if (_showSpecial && _tokenizer.SpecialBytes(token) is { IsEmpty: false } special)
            {
                // The space after it is no longer the one before the text.
                _atStart = false;
                bytes.Write(special);
            }

            ReadOnlySpan<byte> text = _tokenizer.Bytes(token);
            if (text.IsEmpty) continue;
            if (_atStart && text.StartsWith(_tokenizer.TextPrefix)) text = text[_tokenizer.TextPrefix.Length..];
            _atStart = false;
            bytes.Write(text);
        }

        return Decode(bytes.WrittenSpan, flush: false);
    }

    /// <summary>Ends the text: U+FFFD if it stops inside a character, else nothing. The decoder can then be used again.</summary>
    public string Finish()
    {
        _atStart = _startsText;
        return Decode([], flush: true);
    }

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        char[] characters = new char[_decoder.GetCharCount(bytes, flush)];
        int count = _decoder.GetChars(bytes, characters, flush);
        return new string(characters, 0, count);
    }
}
