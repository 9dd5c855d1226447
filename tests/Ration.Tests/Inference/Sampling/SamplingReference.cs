using Ration.Inference.Sampling;

namespace Ration.Tests.Inference.Sampling;

/// <summary>The methods once more, in double precision and by sorting the whole vocabulary.</summary>
internal static class SamplingReference
{
    /// <summary>The probability of each token.</summary>
    public static double[] Probabilities(float[] logits, SamplingOptions options, int[] history)
    {
        double[] scores = [.. logits.Select(static l => (double)l)];
        int[] window = history[Math.Max(0, history.Length - options.PenaltyWindow)..];
        foreach (int token in window.Distinct()) scores[token] = scores[token] > 0 ? scores[token] / options.RepetitionPenalty : scores[token] * options.RepetitionPenalty;
        foreach (IGrouping<int, int> group in window.GroupBy(static t => t)) scores[group.Key] -= (group.Count() * options.FrequencyPenalty) + options.PresencePenalty;
        foreach ((int token, float bias) in options.LogitBias) scores[token] += bias;
        for (int i = 0; i < scores.Length; i++) scores[i] /= options.Temperature;
        int[] kept = [.. Enumerable.Range(0, logits.Length).OrderByDescending(i => scores[i]).ThenBy(static i => i)];
        if (options.TopK > 0) kept = kept[..Math.Min(options.TopK, kept.Length)];
        kept = Nucleus(kept, Softmax(scores, kept), options.TopP);
        double[] p = Softmax(scores, kept);
        kept = [.. kept.Where(i => p[i] >= options.MinP * p.Max())];
        p = Softmax(scores, kept);
        double entropy = -kept.Sum(i => p[i] > 0 ? p[i] * Math.Log(p[i]) : 0);
        int[] typical = [.. kept.OrderBy(i => Math.Abs(-Math.Log(p[i]) - entropy)).ThenBy(static i => i)];
        return Softmax(scores, Nucleus(typical, p, options.Typical));
    }

    private static int[] Nucleus(int[] order, double[] p, double wanted)
    {
        if (wanted >= 1) return order;
        double sum = 0;
        for (int i = 0; i < order.Length; i++)
        {
            sum += p[order[i]];
            if (sum >= wanted) return order[..(i + 1)];
        }

        return order;
    }

    private static double[] Softmax(double[] scores, int[] kept)
    {
        double greatest = kept.Max(i => scores[i]), sum = kept.Sum(i => Math.Exp(scores[i] - greatest));
        double[] p = new double[scores.Length];
        foreach (int i in kept) p[i] = Math.Exp(scores[i] - greatest) / sum;
        return p;
    }
}
