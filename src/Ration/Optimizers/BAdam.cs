using Ration.Optimizers.Parts;

namespace Ration.Optimizers;

/// <summary>
/// BAdam (Luo et al. 2024, "BAdam: A Memory Efficient Full Parameter Optimization Method for Large Language Models", algorithm 1): block coordinate
/// descent. One block of the model is trained for K steps by AdamW, whose state begins at zero, then the next; all else stays as it is. So
/// there is state for one block, 2·n for its n numbers, and the backward pass ends at it. For fine-tuning: as in the authors' code unless told
/// otherwise, embeddings, the last norm and the head are not trained. The authors begin each turn with a copy of the block's weights in F32; here how weights
/// are held is the run's choice.
/// </summary>
/// <param name="Period">K: steps of one block, at least 1.</param>
/// <param name="Order">In which order blocks take their turns.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="Seed">Decides an order that is drawn.</param>
public sealed record BAdam(
    int Period = 50, BlockOrder Order = BlockOrder.Descending, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f, float WeightDecay = 0,
    ulong Seed = 1) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "badam";

    /// <inheritdoc/>
    public bool TrainsAllInEveryStep => false;

    /// <inheritdoc/>
    public bool TrainsOnlyBlocks => true;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Period = numbers.Count("period", Period),
        Beta1 = numbers.Share("beta1", Beta1),
        Beta2 = numbers.Share("beta2", Beta2),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u) =>
        new BlockSampling(Count: 1, Period, Order, Seed).Train(u, new AdamW(Beta1, Beta2, Epsilon, WeightDecay).Update);
}
