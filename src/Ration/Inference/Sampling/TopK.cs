namespace Ration.Inference.Sampling;

/// <summary>Keeps the k most likely tokens (Fan et al. 2018).</summary>
/// <param name="count">At least 1.</param>
public sealed class TopK(int count) : ISamplingStep
{
    /// <inheritdoc/>
    public void Apply(Candidates candidates) => candidates.KeepGreatest(count);
}
