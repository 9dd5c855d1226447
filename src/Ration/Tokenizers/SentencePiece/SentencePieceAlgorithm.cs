namespace Ration.Tokenizers.SentencePiece;

/// <summary>How a SentencePiece model cuts text; the numbers are those of the file format.</summary>
internal enum SentencePieceAlgorithm
{
    /// <summary>The most probable pieces.</summary>
    Unigram = 1,

    /// <summary>Merges by score.</summary>
    BytePair = 2,

    /// <summary>Whole words.</summary>
    Word = 3,

    /// <summary>Single characters.</summary>
    Character = 4,
}
