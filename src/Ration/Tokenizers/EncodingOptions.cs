namespace Ration.Tokenizers;

/// <summary>How a whole text is encoded.</summary>
public sealed record EncodingOptions
{
    /// <summary>Whether the token that begins a text goes first; null: as the model's files say.</summary>
    public bool? AddBeginning { get; init; }

    /// <summary>Whether the token that ends a text goes last; null: as the model's files say.</summary>
    public bool? AddEnd { get; init; }

    /// <summary>Whether special tokens that the text spells out become those tokens: for templates, not for what a user typed.</summary>
    public bool ParseSpecial { get; init; }
}
