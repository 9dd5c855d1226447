using Ration.Tensors;

namespace Ration.Inference.Sampling;

/// <summary>
/// Draws tokens from logits. A draw depends on the logits, the text, the seed, the stream and the number of the draw, on nothing else. Allocates
/// nothing for a token; one thread at a time.
/// </summary>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly ISamplingStep[] _steps;
    private readonly Candidates _candidates;

    /// <summary>A sampler for a vocabulary.</summary>
    /// <param name="options">The methods.</param>
    /// <param name="vocabulary">Tokens of the model.</param>
    /// <exception cref="InvalidInputException">The options cannot be used.</exception>
    public Sampler(SamplingOptions options, int vocabulary)
    {
        options.Validate(vocabulary);
        _options = options;
        _steps = options.Temperature == 0 ? options.Penalties() : options.Pipeline();
        _candidates = new Candidates(vocabulary, options.PenaltyWindow);
    }

    /// <summary>The managed memory of a sampler that uses every method.</summary>
    /// <param name="vocabulary">Tokens of the model.</param>
    /// <param name="window">Tokens that penalties look at.</param>
    internal static long HostBytes(int vocabulary, int window)
    {
        // Scores, weights, keys; counts of both penalties; distances of typical sampling; a maximum of each block of 64.
        const int ofToken = (2 * sizeof(float)) + sizeof(ulong) + (2 * sizeof(int)) + sizeof(float);
        return ((long)vocabulary * ofToken) + (vocabulary / 16L) + ((long)window * sizeof(int));
    }

    /// <summary>The next token.</summary>
    /// <param name="logits">One for each token of the vocabulary.</param>
    /// <param name="number">Number of the draw, from 0.</param>
    /// <param name="history">The text so far, for penalties: prompt and generated tokens; only the last of them are looked at.</param>
    /// <param name="stream">Tells apart texts with the same seed that shall have other draws, such as the answers of one conversation.</param>
    /// <exception cref="InvalidInputException">No logit is a number above −∞: the model is damaged, or biases forbid every token.</exception>
    public int Next(ReadOnlySpan<float> logits, long number, ReadOnlySpan<int> history = default, ulong stream = 0)
    {
        _candidates.Begin(logits, history);
        foreach (ISamplingStep step in _steps) step.Apply(_candidates);
        if (_candidates.Count == 0 || float.IsNegativeInfinity(_candidates.Greatest()))
            throw new InvalidInputException("no token can follow: the model's weights are damaged (its logits are not numbers), or every token is forbidden");
        return _options.Temperature == 0 ? _candidates.GreatestToken() : _candidates.Draw(new CounterRandom(_options.Seed, stream).Uniform((ulong)number));
    }
}
