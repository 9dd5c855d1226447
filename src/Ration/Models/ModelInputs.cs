using Ration.Graphs;

namespace Ration.Models;

/// <summary>Inputs of a model's graph besides the weights.</summary>
/// <param name="Tokens">I32 [rows, tokens].</param>
/// <param name="Positions">I32 [rows, tokens]: each token's place in its text, from 0.</param>
/// <param name="KeyRanges">I32 [rows, tokens, 2]: which keys of its row each token sees.</param>
public sealed record ModelInputs(Value Tokens, Value Positions, Value KeyRanges)
{
    /// <summary>The name of <see cref="Tokens"/> in a graph.</summary>
    public const string TokensName = "tokens";

    /// <summary>The name of <see cref="Positions"/> in a graph.</summary>
    public const string PositionsName = "positions";

    /// <summary>The name of <see cref="KeyRanges"/> in a graph.</summary>
    public const string KeyRangesName = "keyRanges";
}
