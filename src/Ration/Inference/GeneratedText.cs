namespace Ration.Inference;

/// <summary>What was generated, and how fast.</summary>
/// <param name="Text">The text, without the prompt.</param>
/// <param name="Tokens">Its tokens, without one that ended it.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Tokens of the prompt that did not have to be computed, as they were known from the text before.</param>
/// <param name="PrefillSeconds">Time for the other tokens of the prompt.</param>
/// <param name="DecodeSeconds">Time for the generated tokens after the first, which comes with the prompt.</param>
/// <param name="Finish">Why it ended; null if it was not at its end.</param>
public sealed record GeneratedText(
    string Text, IReadOnlyList<int> Tokens, int PromptTokens, int CachedTokens, double PrefillSeconds, double DecodeSeconds, FinishReason? Finish)
{
    /// <summary>Computed tokens of the prompt a second.</summary>
    public double PrefillTokensPerSecond => PrefillSeconds > 0 ? (PromptTokens - CachedTokens) / PrefillSeconds : 0;

    /// <summary>Generated tokens a second.</summary>
    public double DecodeTokensPerSecond => Tokens.Count > 1 && DecodeSeconds > 0 ? (Tokens.Count - 1) / DecodeSeconds : 0;
}

/// <summary>A piece of a text as it is generated.</summary>
/// <param name="Text">Whole characters; often empty, where a token completes none or they may begin a stop string.</param>
/// <param name="Token">The token that came; null in the last piece.</param>
/// <param name="Result">All of the text, in the last piece; else null.</param>
public sealed record TextPiece(string Text, int? Token, GeneratedText? Result = null);
