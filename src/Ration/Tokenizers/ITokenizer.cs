namespace Ration.Tokenizers;

/// <summary>Turns UTF-8 text into token ids and back. Implementations hold no state between calls, so one serves many threads.</summary>
public interface ITokenizer
{
    /// <summary>The name by which a model file refers to this kind of tokenizer.</summary>
    string Name { get; }

    /// <summary>Ids are 0 … this − 1.</summary>
    int VocabularySize { get; }

    /// <summary>What goes before a text as it is encoded, and is taken off again as it is decoded: SentencePiece's space; empty for most.
    /// <see cref="Encode"/> does not add it, as it cannot know whether what it is given begins a text.</summary>
    ReadOnlySpan<byte> TextPrefix => [];

    /// <summary>What goes before a stretch of text, given how it begins: <see cref="TextPrefix"/> or nothing.</summary>
    /// <param name="text">The stretch, or its first kilobytes.</param>
    /// <param name="startsText">Whether it begins a text, or follows an added token.</param>
    ReadOnlySpan<byte> PrefixOf(ReadOnlySpan<byte> text, bool startsText) => text.IsEmpty ? [] : TextPrefix;

    /// <summary>
    /// Encodes as much of <paramref name="text"/> as is certain and fits. Texts longer than memory go through in pieces: what is not
    /// consumed is given again, followed by more text. <paramref name="isFinal"/> says that no more follows; then nothing is held back.
    /// </summary>
    /// <param name="text">UTF-8 bytes; invalid ones are encoded too.</param>
    /// <param name="tokens">Overwritten from the start. Where a token stands for no less than a byte, as many tokens as there are bytes
    /// always suffice; with fewer, a word that does not fit by itself is cut, and its tokens may then be others.</param>
    /// <param name="isFinal">Whether the text ends here.</param>
    /// <param name="bytesConsumed">How many bytes the written tokens stand for.</param>
    /// <param name="tokensWritten">How many tokens were written; at least one if <paramref name="isFinal"/> and neither span is
    /// empty.</param>
    void Encode(ReadOnlySpan<byte> text, Span<int> tokens, bool isFinal, out int bytesConsumed, out int tokensWritten);

    /// <summary>The UTF-8 bytes that a token stands for, which may be part of a character; empty for tokens that are not text.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    ReadOnlySpan<byte> Bytes(int token);

    /// <summary>How a token that is not text is written, as <c>&lt;|im_end|&gt;</c>; empty for others.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    ReadOnlySpan<byte> SpecialBytes(int token) => [];
}
