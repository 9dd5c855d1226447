namespace Ration.Inference;

/// <summary>Why a text ended.</summary>
public enum FinishReason
{
    /// <summary>The model chose a token that ends a text.</summary>
    End,

    /// <summary>A stop string came.</summary>
    StopString,

    /// <summary>As many tokens as were asked for are there.</summary>
    MaxTokens,

    /// <summary>There is no room for more tokens.</summary>
    ContextFull,
}
