namespace Ration.Optimizers;

/// <summary>
/// AdamW for batches down to a single row (Marek et al. 2025, "Small Batch Size Training for Language Models: When Vanilla SGD Works, and Why
/// Gradient Accumulation Is Wasteful"): the half-life of the second moment stays the same in tokens whatever the batch, β₂ = β₂*^(B/B*), and
/// everything else is <see cref="AdamW"/>. A small batch then trains as well as a large one, and needs no accumulation of gradients.
/// </summary>
/// <param name="TokensPerStep">B: tokens of a step.</param>
/// <param name="ReferenceBeta2">β₂*: the decay of squared gradients at the batch of reference, in (0, 1).</param>
/// <param name="ReferenceTokens">B*: tokens of a step of that batch; by default the half-million for which 0.95 is the custom.</param>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
public sealed record AdamWSmallBatch(
    long TokensPerStep, float ReferenceBeta2 = 0.95f, long ReferenceTokens = 1 << 19, float Beta1 = 0.9f, float Epsilon = 1e-8f, float WeightDecay = 0.1f) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "adamw-small-batch";

    /// <summary>Tokens of a step.</summary>
    public long TokensPerStep { get; } =
        TokensPerStep > 0 ? TokensPerStep : throw new ArgumentOutOfRangeException(nameof(TokensPerStep), $"a step of {TokensPerStep} tokens: adamw-small-batch must be told how many it has");

    /// <summary>The decay of squared gradients: close to one, so in double precision.</summary>
    public double Beta2 => Math.Pow(ReferenceBeta2, (double)TokensPerStep / ReferenceTokens);

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Beta1 = numbers.Share("beta1", Beta1),
        ReferenceBeta2 = numbers.Share("reference-beta2", ReferenceBeta2),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u) => AdamW.Update(u, Beta1, Beta2, Epsilon, WeightDecay);
}
