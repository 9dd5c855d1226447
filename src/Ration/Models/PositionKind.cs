namespace Ration.Models;

/// <summary>How a token's place enters the model.</summary>
public enum PositionKind
{
    /// <summary>Queries and keys are rotated.</summary>
    Rotary,

    /// <summary>A learned vector for each place is added to the embedding.</summary>
    Learned,
}
