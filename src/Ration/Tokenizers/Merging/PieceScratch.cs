namespace Ration.Tokenizers.Merging;

/// <summary>What one call of a tokenizer works with.</summary>
internal sealed class PieceScratch
{
    /// <summary>Where pieces end.</summary>
    public PieceList Pieces { get; } = new();

    /// <summary>Pieces met before.</summary>
    public PieceCache Cache { get; } = new();

    /// <summary>Merges.</summary>
    public SymbolMerger Merger { get; } = new();

    /// <summary>The tokens of one piece.</summary>
    public TokenBuffer Tokens { get; } = new();
}
