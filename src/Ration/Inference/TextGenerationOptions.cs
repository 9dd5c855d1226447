using Ration.Inference.Sampling;

namespace Ration.Inference;

/// <summary>How a text is completed.</summary>
public sealed record TextGenerationOptions
{
    /// <summary>Tokens to generate at the most; null for as many as there is room for.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>How tokens are chosen.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Strings before the first of which the text ends.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Whether to go on after a token that ends a text.</summary>
    public bool IgnoreEnd { get; init; }

    /// <summary>Whether the prompt begins with the token that begins a text; null: as the model's files say.</summary>
    public bool? AddBeginning { get; init; }

    /// <summary>Whether special tokens that the prompt spells out become those tokens.</summary>
    public bool ParseSpecial { get; init; }

    /// <summary>Whether generated special tokens are spelt out in the text.</summary>
    public bool ShowSpecial { get; init; }

    /// <summary>Tokens that end this text besides those that the model's files name.</summary>
    internal IReadOnlyList<int> FurtherEnds { get; init; } = [];

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="InvalidInputException">One of them cannot be used; the message says which and what would do.</exception>
    public void Validate()
    {
        if (MaxTokens is < 1) throw new InvalidInputException($"--max-tokens {MaxTokens}: give 1 or more");
    }
}
