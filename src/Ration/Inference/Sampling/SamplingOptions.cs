namespace Ration.Inference.Sampling;

/// <summary>
/// How the next token is chosen. Methods run in this order: repetition, frequency and presence penalties, biases, temperature, top-k,
/// top-p, min-p, typical, then <see cref="Steps"/>.
/// </summary>
/// <param name="Temperature">Logits are divided by this; 0 takes the most likely token, after penalties and biases.</param>
/// <param name="TopK">If not 0, only this many most likely tokens are considered.</param>
/// <param name="TopP">Only the most likely tokens that together have this probability are considered; 1 for all.</param>
/// <param name="Seed">Decides the draws.</param>
public sealed record SamplingOptions(float Temperature = 0.8f, int TopK = 0, float TopP = 0.95f, ulong Seed = 1)
{
    /// <summary>If not 0, only tokens at least so likely as this part of the likeliest are considered.</summary>
    public float MinP { get; init; }

    /// <summary>Only the most typical tokens that together have this probability are considered; 1 for all.</summary>
    public float Typical { get; init; } = 1;

    /// <summary>Scores of tokens in the recent text are divided by this (multiplied where negative), from 0.01 to 100; 1 for no penalty.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Taken from the score of a token for each time that it came in the recent text, from −100 to 100.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Taken from the score of a token that came in the recent text, from −100 to 100.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>How many of the last tokens are the recent text.</summary>
    public int PenaltyWindow { get; init; } = 64;

    /// <summary>Added to the scores of tokens; −∞ forbids one.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    /// <summary>Further methods, after all others. Not asked where the temperature is 0.</summary>
    public IReadOnlyList<ISamplingStep> Steps { get; init; } = [];

    /// <summary>Checks the numbers.</summary>
    /// <param name="vocabulary">Tokens of the vocabulary, for biases; leave out if not known yet.</param>
    /// <exception cref="InvalidInputException">One of them cannot be used; the message says which and what would do.</exception>
    public void Validate(int vocabulary = int.MaxValue)
    {
        InvalidInputException.Require(Temperature is >= 0 and < float.PositiveInfinity, $"--temperature {Temperature}: give 0 (always the most likely) or a positive number");
        InvalidInputException.Require(TopK >= 0, $"--top-k {TopK}: give 0 (all) or a positive number");
        InvalidInputException.Require(TopP is > 0 and <= 1, $"--top-p {TopP}: give a number above 0 and at most 1");
        InvalidInputException.Require(MinP is >= 0 and <= 1, $"--min-p {MinP}: give a number from 0 (all) to 1");
        InvalidInputException.Require(Typical is > 0 and <= 1, $"--typical-p {Typical}: give a number above 0 and at most 1 (all)");
        InvalidInputException.Require(RepetitionPenalty is >= 0.01f and <= 100, $"--repetition-penalty {RepetitionPenalty}: give a number from 0.01 to 100; 1 is no penalty, 1.1 a mild one");
        InvalidInputException.Require(FrequencyPenalty is >= -100 and <= 100, $"--frequency-penalty {FrequencyPenalty}: give a number from -100 to 100, say 0.5; 0 is no penalty");
        InvalidInputException.Require(PresencePenalty is >= -100 and <= 100, $"--presence-penalty {PresencePenalty}: give a number from -100 to 100, say 0.5; 0 is no penalty");
        InvalidInputException.Require(PenaltyWindow is >= 0 and <= 1 << 24, $"--penalty-window {PenaltyWindow}: give 0 to 16,777,216 tokens");
        foreach ((int token, float bias) in LogitBias)
        {
            InvalidInputException.Require(token >= 0 && token < vocabulary, $"--logit-bias {token}={bias}: tokens of this model are 0 to {vocabulary - 1}");
            InvalidInputException.Require(bias < float.PositiveInfinity, $"--logit-bias {token}={bias}: give a number, or -Infinity to forbid the token");
        }
    }

    /// <summary>The methods that these options ask for, in order, for temperatures above 0.</summary>
    internal ISamplingStep[] Pipeline()
    {
        List<ISamplingStep> steps = [.. Penalties(), new Temperature(Temperature)];
        if (TopK > 0) steps.Add(new TopK(TopK));
        if (TopP < 1) steps.Add(new TopP(TopP));
        if (MinP > 0) steps.Add(new MinP(MinP));
        if (Typical < 1) steps.Add(new Typical(Typical));
        return [.. steps, .. Steps];
    }

    /// <summary>The methods that change which token is the most likely.</summary>
    internal ISamplingStep[] Penalties()
    {
        List<ISamplingStep> steps = [];
        if (PenaltyWindow > 0 && RepetitionPenalty != 1) steps.Add(new RepetitionPenalty(RepetitionPenalty));
        if (PenaltyWindow > 0 && (FrequencyPenalty != 0 || PresencePenalty != 0)) steps.Add(new FrequencyPenalty(FrequencyPenalty, PresencePenalty));
        if (LogitBias.Count > 0) steps.Add(new LogitBias(LogitBias));
        return [.. steps];
    }
}
