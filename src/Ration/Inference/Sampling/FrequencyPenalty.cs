namespace Ration.Inference.Sampling;

/// <summary>
/// Lowers the score of each token of the recent text by count · frequency + presence, the formula of OpenAI's interface. Negative penalties
/// reward.
/// </summary>
/// <param name="frequency">For each time that a token came.</param>
/// <param name="presence">Once, if it came at all.</param>
public sealed class FrequencyPenalty(float frequency, float presence) : ISamplingStep
{
    private readonly TokenCounts _counts = new();

    /// <inheritdoc/>
    public void Apply(Candidates candidates)
    {
        Span<float> scores = candidates.Scores;
        _counts.Count(candidates);
        foreach (int token in candidates.History)
        {
            int count = _counts.Take(token);
            if (count > 0) scores[token] -= (count * frequency) + presence;
        }
    }
}
