namespace Ration.Tokenizers.Unigram;

/// <summary>The pieces of a unigram model.</summary>
internal sealed record UnigramVocabulary
{
    /// <summary>The UTF-8 bytes of each piece, by id, as the normalized text has them; empty for ids that text never becomes.</summary>
    public required byte[][] Pieces { get; init; }

    /// <summary>Log-probabilities of the pieces, by id; finite.</summary>
    public required float[] Scores { get; init; }

    /// <summary>The id for characters that no piece covers, or −1.</summary>
    public required int UnknownId { get; init; }

    /// <summary>The ids of the single bytes 0 … 255 that spell characters no piece covers, or null where such become
    /// <see cref="UnknownId"/>.</summary>
    public int[]? ByteIds { get; init; }
}
