namespace Ration.Tokenizers.SentencePiece;

/// <summary>The content of a SentencePiece <c>tokenizer.model</c>.</summary>
internal sealed class SentencePieceModel
{
    /// <summary>The UTF-8 bytes of each piece by id, with U+2581 for a space.</summary>
    public byte[][] Pieces { get; set; } = [];

    /// <summary>The score of each piece, finite.</summary>
    public float[] Scores { get; set; } = [];

    /// <summary>What each piece is for.</summary>
    public TokenKind[] Kinds { get; set; } = [];

    /// <summary>How text is cut (<c>model_type</c>).</summary>
    public SentencePieceAlgorithm Algorithm { get; set; } = SentencePieceAlgorithm.Unigram;

    /// <summary>Whether characters in no piece are spelt by their bytes.</summary>
    public bool ByteFallback { get; set; }

    /// <summary>The id of beginning of text, or −1.</summary>
    public int BeginningId { get; set; } = 1;

    /// <summary>The id of end of text, or −1.</summary>
    public int EndId { get; set; } = 2;

    /// <summary>The id of whatever is in no piece.</summary>
    public int UnknownId { get; set; }

    /// <summary>The compiled normalization rules; empty for none.</summary>
    public byte[] CharacterMap { get; set; } = [];

    /// <summary>Whether a text that begins without a space gets one.</summary>
    public bool AddDummyPrefix { get; set; } = true;

    /// <summary>Whether runs of spaces become one and the ends of a text lose theirs.</summary>
    public bool RemoveExtraWhitespaces { get; set; } = true;

    /// <summary>Whether a space is written U+2581 in the pieces.</summary>
    public bool EscapeWhitespaces { get; set; } = true;

    /// <summary>Whether the space belongs to the piece before it.</summary>
    public bool WhitespaceAsSuffix { get; set; }
}
