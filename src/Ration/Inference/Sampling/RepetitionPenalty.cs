namespace Ration.Inference.Sampling;

/// <summary>
/// Makes tokens of the recent text less likely: positive scores are divided by a penalty, negative ones multiplied (Keskar et al. 2019,
/// section 4.1, in the form in which it never rewards). How often a token came does not matter.
/// </summary>
/// <param name="penalty">Above 0; 1 changes nothing, below 1 rewards repetition.</param>
public sealed class RepetitionPenalty(float penalty) : ISamplingStep
{
    private readonly TokenCounts _counts = new();

    /// <inheritdoc/>
    public void Apply(Candidates candidates)
    {
        Span<float> scores = candidates.Scores;
        _counts.Count(candidates);
        foreach (int token in candidates.History)
        {
            if (_counts.Take(token) > 0) scores[token] = scores[token] > 0 ? scores[token] / penalty : scores[token] * penalty;
        }
    }
}
