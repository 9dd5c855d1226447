namespace Ration.Inference.Sampling;

/// <summary>
/// Locally typical sampling (Meister et al. 2022, section 3): keeps the fewest tokens whose information −log p is nearest to the entropy,
/// such that together they have a probability.
/// </summary>
/// <param name="probability">Above 0, at most 1.</param>
public sealed class Typical(float probability) : ISamplingStep
{
    private float[] _distances = [];

    /// <inheritdoc/>
    public void Apply(Candidates candidates)
    {
        if (probability >= 1) return;
        if (_distances.Length < candidates.Vocabulary) _distances = new float[candidates.Vocabulary];
        float greatest = candidates.Greatest();
        double total = candidates.TotalWeight(greatest), entropy = Entropy(candidates, greatest, total);
        int count = candidates.Count;
        for (int i = 0; i < count; i++) _distances[i] = (float)Math.Abs(Math.Log(total) - (candidates.Score(i) - (double)greatest) - entropy);
        candidates.RankBy(_distances.AsSpan(0, count), TopP.FirstChunk);
        double sum = 0;
        int taken = 0;
        for (int chunk = TopP.FirstChunk; taken < count; chunk = (int)Math.Min(4L * chunk, int.MaxValue))
        {
            int ranked = candidates.RankFurther(chunk);
            while (taken < ranked)
            {
                sum += Math.Exp(candidates.Score(taken++) - greatest);
                if (sum < probability * total) continue;
                candidates.Keep(taken);
                return;
            }
        }
    }

    // −Σ p·log p with p = e^(s − greatest)/total; what has no probability adds nothing.
    private static double Entropy(Candidates candidates, float greatest, double total)
    {
        double sum = 0;
        for (int i = 0; i < candidates.Count; i++)
        {
            double information = Math.Log(total) - (candidates.Score(i) - (double)greatest);
            if (double.IsFinite(information)) sum += Math.Exp(-information) * information;
        }

        return sum;
    }
}
