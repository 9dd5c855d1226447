namespace Ration.Models;

/// <summary>How activations are normalized.</summary>
public enum NormKind
{
    /// <summary>Divided by the root of their mean square.</summary>
    RootMeanSquare,

    /// <summary>Brought to mean 0 and variance 1, then shifted by a bias.</summary>
    Layer,
}
