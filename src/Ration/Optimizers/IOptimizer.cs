namespace Ration.Optimizers;

/// <summary>
/// An update rule, written as formulas for one parameter and its complete gradient. It declares the state it keeps, so the planner
/// knows its bytes; its formulas become one pass over memory.
/// </summary>
public interface IOptimizer
{
    /// <summary>The name on the command line.</summary>
    string Name { get; }

    /// <summary>
    /// The learning rate that suits it, as a multiple of the one that suits Adam with the same model: what a run takes where no rate is given.
    /// </summary>
    double LearningRateFactor => 1;

    /// <summary>
    /// Whether the rule is one that never holds gradients: its runs have no micro-batches, and always release.
    /// </summary>
    bool ReleasesGradients => false;

    /// <summary>Emits the update of one parameter.</summary>
    void Update(UpdateBuilder u);
}
