namespace Ration.Optimizers;

/// <summary>
/// LOMO (Lv et al. 2023, "Full Parameter Fine-tuning for Large Language Models with Limited Resources", algorithm 1): gradient descent
/// without state, each update made as soon as its gradient is complete, so that gradients are never held. The paper's two ways of
/// clipping are those of the run: by value, and by the norm of all gradients in two backward passes.
/// </summary>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
public sealed record Lomo(float WeightDecay = 0) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "lomo";

    /// <inheritdoc/>
    public bool ReleasesGradients => true;

    /// <inheritdoc/>
    public double RateShare => 50;

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u) => new Sgd(Momentum: 0, WeightDecay).Update(u);
}
