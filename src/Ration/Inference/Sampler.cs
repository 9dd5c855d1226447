using Ration.Tensors;

namespace Ration.Inference;

/// <summary>How the next token is chosen.</summary>
/// <param name="Temperature">Logits are divided by this; 0 takes the most likely token.</param>
/// <param name="TopK">If not 0, only this many most likely tokens are considered.</param>
/// <param name="TopP">Only the most likely tokens that together have this probability are considered (Holtzman et al. 2020); 1 for all.</param>
/// <param name="Seed">Decides the draws.</param>
public sealed record SamplingOptions(float Temperature = 0.8f, int TopK = 0, float TopP = 0.95f, ulong Seed = 1)
{
    /// <summary>Checks the numbers.</summary>
    /// <exception cref="InvalidInputException">One of them cannot be used.</exception>
    public void Validate()
    {
        if (Temperature is not (>= 0 and < float.PositiveInfinity)) throw new InvalidInputException($"--temperature {Temperature}: give 0 (always the most likely) or a positive number");
        if (TopK < 0) throw new InvalidInputException($"--top-k {TopK}: give 0 (all) or a positive number");
        if (TopP is not (> 0 and <= 1)) throw new InvalidInputException($"--top-p {TopP}: give a number above 0 and at most 1");
    }
}

/// <summary>Draws tokens from logits. The draw depends only on the seed and the number of the token.</summary>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly int[] _order;
    private readonly float[] _weights;

    /// <summary>A sampler for a vocabulary.</summary>
    /// <exception cref="InvalidInputException">The options cannot be used.</exception>
    public Sampler(SamplingOptions options, int vocabulary)
    {
        options.Validate();
        (_options, _order, _weights) = (options, new int[vocabulary], new float[vocabulary]);
    }

    /// <summary>The next token.</summary>
    /// <param name="logits">One for each token of the vocabulary.</param>
    /// <param name="number">Number of the draw, from 0.</param>
    public int Next(ReadOnlySpan<float> logits, long number)
    {
        if (_options.Temperature == 0) return Greatest(logits);
        for (int i = 0; i < _order.Length; i++) (_order[i], _weights[i]) = (i, -logits[i]);
        Array.Sort(_weights, _order);
        int count = _options.TopK > 0 ? Math.Min(_options.TopK, _order.Length) : _order.Length;
        double greatest = -_weights[0], total = 0;
        for (int i = 0; i < count; i++) total += _weights[i] = (float)Math.Exp((-_weights[i] - greatest) / _options.Temperature);
        double kept = 0;
        int last = 0;
        for (; last < count && kept < _options.TopP * total; last++) kept += _weights[last];
        double draw = new CounterRandom(_options.Seed, 0).Uniform((ulong)number) * kept;
        for (int i = 0; i < last; i++)
        {
            draw -= _weights[i];
            if (draw < 0) return _order[i];
        }

        return _order[Math.Max(0, last - 1)];
    }

    private static int Greatest(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[best]) best = i;
        }

        return best;
    }
}
