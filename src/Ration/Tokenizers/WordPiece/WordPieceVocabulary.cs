namespace Ration.Tokenizers.WordPiece;

/// <summary>The pieces of a WordPiece vocabulary, by id, without the marks by which files tell the two kinds apart.</summary>
internal sealed record WordPieceVocabulary
{
    /// <summary>UTF-8 bytes of each piece; empty for ids that text never becomes.</summary>
    public required byte[][] Pieces { get; init; }

    /// <summary>Whether the piece goes on with a word (<c>##ing</c>) rather than begin one.</summary>
    public required bool[] Continues { get; init; }

    /// <summary>The id of words that cannot be cut into pieces.</summary>
    public required int UnknownId { get; init; }

    /// <summary>Longer words are unknown (<c>max_input_chars_per_word</c>), in characters.</summary>
    public int LongestWord { get; init; } = 100;

    /// <summary>Takes a vocabulary that marks the pieces inside words, as <c>vocab.txt</c> and <c>tokenizer.json</c> do.</summary>
    /// <param name="tokens">UTF-8, by id.</param>
    /// <param name="prefix">The mark, usually <c>##</c>.</param>
    /// <param name="isText">Whether text can become the token of an id.</param>
    /// <param name="unknownId">The id of unknown words.</param>
    public static WordPieceVocabulary FromContinuationMarks(IReadOnlyList<byte[]> tokens, ReadOnlySpan<byte> prefix, Func<int, bool> isText, int unknownId)
    {
        byte[][] pieces = new byte[tokens.Count][];
        bool[] continues = new bool[tokens.Count];
        for (int id = 0; id < pieces.Length; id++)
        {
            continues[id] = tokens[id].Length > prefix.Length && tokens[id].AsSpan().StartsWith(prefix);
            pieces[id] = !isText(id) ? [] : continues[id] ? tokens[id][prefix.Length..] : tokens[id];
        }

        return new WordPieceVocabulary { Pieces = pieces, Continues = continues, UnknownId = unknownId };
    }

    /// <summary>Takes a vocabulary that marks the pieces at the beginning of words by U+2581, as GGUF files do.</summary>
    /// <param name="tokens">UTF-8, by id.</param>
    /// <param name="isText">Whether text can become the token of an id.</param>
    /// <param name="unknownId">The id of unknown words.</param>
    public static WordPieceVocabulary FromBeginningMarks(IReadOnlyList<byte[]> tokens, Func<int, bool> isText, int unknownId)
    {
        ReadOnlySpan<byte> mark = "\u2581"u8;
        byte[][] pieces = new byte[tokens.Count][];
        bool[] continues = new bool[tokens.Count];
        for (int id = 0; id < pieces.Length; id++)
        {
            bool begins = tokens[id].AsSpan().StartsWith(mark);
            continues[id] = !begins;
            pieces[id] = !isText(id) ? [] : begins ? tokens[id][mark.Length..] : tokens[id];
        }

        return new WordPieceVocabulary { Pieces = pieces, Continues = continues, UnknownId = unknownId };
    }
}
