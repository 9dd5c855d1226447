namespace Ration.Inference.Sampling;

/// <summary>Nucleus sampling (Holtzman et al. 2020, equation 2): keeps the fewest most likely tokens that together have a probability.</summary>
/// <param name="probability">Above 0, at most 1.</param>
public sealed class TopP(float probability) : ISamplingStep
{
    /// <summary>How many tokens are put in order first; then ever four times as many.</summary>
    internal const int FirstChunk = 64;

    /// <inheritdoc/>
    public void Apply(Candidates candidates)
    {
        if (probability >= 1) return;
        float greatest = candidates.Greatest();
        double wanted = probability * candidates.TotalWeight(greatest), sum = 0;
        int taken = 0;
        for (int chunk = FirstChunk; taken < candidates.Count; chunk = (int)Math.Min(4L * chunk, int.MaxValue))
        {
            int ranked = candidates.Rank(chunk);
            while (taken < ranked)
            {
                sum += Math.Exp(candidates.Score(taken++) - greatest);
                if (sum < wanted) continue;
                candidates.Keep(taken);
                return;
            }
        }
    }
}
