namespace Ration.Inference.Sampling;

/// <summary>Adds numbers to the scores of some tokens; −∞ forbids one.</summary>
/// <param name="biases">Token and what is added to its score.</param>
public sealed class LogitBias(IReadOnlyCollection<KeyValuePair<int, float>> biases) : ISamplingStep
{
    private readonly KeyValuePair<int, float>[] _biases = [.. biases];

    /// <inheritdoc/>
    public void Apply(Candidates candidates)
    {
        Span<float> scores = candidates.Scores;
        foreach ((int token, float bias) in _biases) scores[token] += bias;
    }
}
