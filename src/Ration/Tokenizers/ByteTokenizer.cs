namespace Ration.Tokenizers;

/// <summary>One token for each byte: ids 0 … 255 are the bytes, further ids of a padded vocabulary stand for no text.</summary>
public sealed class ByteTokenizer : ITokenizer
{
    /// <summary>How many different bytes there are.</summary>
    public const int Alphabet = 256;

    private static readonly byte[] s_bytes = [.. Enumerable.Range(0, Alphabet).Select(static b => (byte)b)];

    /// <summary>A tokenizer whose model has this many embedding rows.</summary>
    /// <exception cref="InvalidInputException">The vocabulary has no room for every byte.</exception>
    public ByteTokenizer(int vocabularySize = Alphabet)
    {
        if (vocabularySize < Alphabet)
            throw new InvalidInputException($"a vocabulary of {vocabularySize} has no id for every byte; the byte tokenizer needs at least {Alphabet}");
        VocabularySize = vocabularySize;
    }

    /// <inheritdoc/>
    public string Name => "bytes";

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<byte> text, Span<int> tokens, bool isFinal, out int bytesConsumed, out int tokensWritten)
    {
        int count = Math.Min(text.Length, tokens.Length);
        tokens = tokens[..count];
        text = text[..count];
        for (int i = 0; i < tokens.Length; i++) tokens[i] = text[i];
        bytesConsumed = count;
        tokensWritten = count;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, VocabularySize);
        return token < Alphabet ? s_bytes.AsSpan(token, 1) : [];
    }
}
