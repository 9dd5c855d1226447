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
    /// Whether the rule is one that never holds gradients: its runs have no micro-batches, and always release.
    /// </summary>
    bool ReleasesGradients => false;

    /// <summary>Into how many equal parts a step must be divided, for a rule that goes by how their gradients differ; 0 where it does not.</summary>
    int GradientParts => 0;

    /// <summary>
    /// Whether every parameter is trained in every step. Where not, gradients that a step does without are not computed, so that there is no norm of all.
    /// </summary>
    bool TrainsAllInEveryStep => true;

    /// <summary>Whether only parameters of blocks are trained at all; the others are given no gradients.</summary>
    bool TrainsOnlyBlocks => false;

    /// <summary>How gradients are compressed before they are summed, for a rule that never sees whole ones; null where it does.</summary>
    GradientCompression? Compression => null;

    /// <summary>Which layers stand still in a step, for a rule that freezes most of them; null where none does.</summary>
    LayerFreezing? Freezing => null;

    /// <summary>What the default learning rate, which is one for AdamW, is multiplied by to suit the rule.</summary>
    double RateShare => 1;

    /// <summary>The rule with numbers that were asked for, of those that it lets be set: one call for each.</summary>
    /// <param name="numbers">What was asked for.</param>
    /// <exception cref="InvalidInputException">One is outside of its range.</exception>
    IOptimizer WithNumbers(RuleNumbers numbers) => this;

    /// <summary>Emits the update of one parameter.</summary>
    void Update(UpdateBuilder u);
}
