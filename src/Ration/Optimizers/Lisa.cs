using Ration.Optimizers.Parts;

namespace Ration.Optimizers;

/// <summary>
/// LISA (Pan et al. 2024, "LISA: Layerwise Importance Sampling for Memory-Efficient Large Language Model Fine-Tuning", algorithm 1): AdamW trains
/// embeddings, the last norm and the head in every step, and of the blocks γ, drawn anew every K steps, without replacement, each as likely as any
/// other. State of blocks begins at zero with each draw and exists for γ blocks: with n numbers in a block and e outside of blocks, 2·γ·n + 2·e.
/// Gradients of the other blocks' weights are not computed.
/// </summary>
/// <param name="Layers">γ: blocks that are trained at once, at least 1.</param>
/// <param name="Period">K: steps from one draw to the next, at least 1.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="Seed">Decides what is drawn.</param>
public sealed record Lisa(
    int Layers = 2, int Period = 20, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f, float WeightDecay = 0, ulong Seed = 1) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "lisa";

    /// <inheritdoc/>
    public bool TrainsAllInEveryStep => false;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Layers = numbers.Count("layers", Layers),
        Period = numbers.Count("period", Period),
        Beta1 = numbers.Share("beta1", Beta1),
        Beta2 = numbers.Share("beta2", Beta2),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        AdamW rule = new(Beta1, Beta2, Epsilon, WeightDecay);
        if (u.Block is null) rule.Update(u);
        else new BlockSampling(Layers, Period, BlockOrder.Drawn, Seed).Train(u, rule.Update);
    }
}
