namespace Ration.Models;

/// <summary>Which weights of a model have gradients.</summary>
public enum TrainedWeights
{
    /// <summary>All.</summary>
    All,

    /// <summary>Those of the repeated blocks: not embeddings, the last norm and the head.</summary>
    OfBlocks,

    /// <summary>None, as where text is generated.</summary>
    None,
}
