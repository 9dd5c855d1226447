using System.CommandLine;
using System.Globalization;
using Ration.Inference;
using Ration.Inference.Sampling;

namespace Ration.Cli.Commands;

/// <summary>How texts are completed: the options that <c>generate</c> and <c>chat</c> have in common.</summary>
internal sealed class SamplingArguments
{
    private readonly Option<int?> _maxTokens;
    private readonly Option<float?> _temperature = OptionFactory.Number<float>("--temperature", "X", "Randomness (default 0.8); 0 takes the most likely token.");
    private readonly Option<int?> _topK = OptionFactory.Number<int>("--top-k", "N", "Consider only the N most likely tokens (default 0: all).");
    private readonly Option<float?> _topP = OptionFactory.Number<float>("--top-p", "X", "Consider only the most likely tokens that have this probability together (default 0.95).");
    private readonly Option<float?> _minP = OptionFactory.Number<float>("--min-p", "X", "Consider only tokens at least so likely as this part of the likeliest (default 0: all).");
    private readonly Option<float?> _typical = OptionFactory.Number<float>("--typical-p", "X", "Consider only the most typical tokens that have this probability together (default 1: all).");
    private readonly Option<float?> _repetition = OptionFactory.Number<float>("--repetition-penalty", "X", "Divide the scores of tokens in the recent text by this (default 1: no penalty).");
    private readonly Option<float?> _frequency = OptionFactory.Number<float>("--frequency-penalty", "X", "Take this from a token's score for each time that it came in the recent text (default 0).");
    private readonly Option<float?> _presence = OptionFactory.Number<float>("--presence-penalty", "X", "Take this from the score of each token in the recent text (default 0).");
    private readonly Option<int?> _window = OptionFactory.Number<int>("--penalty-window", "N", "How many of the last tokens are the recent text (default 64).");
    private readonly Option<string[]> _bias = OptionFactory.Words("--logit-bias", "ID=X", "Add X to the score of a token; -inf forbids it. Can be given several times.");
    private readonly Option<string[]> _stop = OptionFactory.Words("--stop", "TEXT", "End before this text. Can be given several times.");
    private readonly Option<bool> _ignoreEnd = OptionFactory.Switch("--ignore-end", "Go on after tokens that end a text.");

    /// <summary>The options.</summary>
    /// <param name="defaultMaxTokens">How many tokens there are unless told otherwise, in words.</param>
    public SamplingArguments(string defaultMaxTokens) =>
        _maxTokens = OptionFactory.Number<int>("--max-tokens", "N", $"Tokens to generate at the most (default {defaultMaxTokens}).");

    /// <summary>Adds all options to a command, as a group.</summary>
    public void AddTo(GroupedCommand command) => command.AddGroup(
        "What is generated",
        _maxTokens, _stop, _ignoreEnd, CommonOptions.Seed, _temperature, _topK, _topP, _minP, _typical, _repetition, _frequency, _presence, _window, _bias);

    /// <summary>Tokens to generate; null where it was not said.</summary>
    /// <exception cref="InvalidInputException">It is out of range.</exception>
    public int? ReadMaxTokens(ParseResult parsed) => parsed.GetValue(_maxTokens) switch
    {
        < 1 or > 1 << 24 => throw new InvalidInputException($"--max-tokens {parsed.GetValue(_maxTokens)}: give 1 to 16,777,216"),
        var most => most,
    };

    /// <summary>What was asked for.</summary>
    /// <exception cref="InvalidInputException">Something cannot be used.</exception>
    public TextGenerationOptions Read(ParseResult parsed)
    {
        SamplingOptions sampling = new(parsed.GetValue(_temperature) ?? 0.8f, parsed.GetValue(_topK) ?? 0, parsed.GetValue(_topP) ?? 0.95f, parsed.GetValue(CommonOptions.Seed) ?? 1)
        {
            MinP = parsed.GetValue(_minP) ?? 0,
            Typical = parsed.GetValue(_typical) ?? 1,
            RepetitionPenalty = parsed.GetValue(_repetition) ?? 1,
            FrequencyPenalty = parsed.GetValue(_frequency) ?? 0,
            PresencePenalty = parsed.GetValue(_presence) ?? 0,
            PenaltyWindow = parsed.GetValue(_window) ?? 64,
            LogitBias = ReadBiases(parsed.GetValue(_bias) ?? []),
        };
        sampling.Validate();
        return new TextGenerationOptions { MaxTokens = ReadMaxTokens(parsed), Sampling = sampling, Stop = parsed.GetValue(_stop) ?? [], IgnoreEnd = parsed.GetValue(_ignoreEnd) };
    }

    private static Dictionary<int, float> ReadBiases(string[] words)
    {
        Dictionary<int, float> biases = [];
        foreach (string word in words)
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || !int.TryParse(word.AsSpan(0, equals), NumberStyles.None, CultureInfo.InvariantCulture, out int token) || Bias(word[(equals + 1)..]) is not { } bias)
                throw new InvalidInputException($"--logit-bias {word}: give a token and a number, such as 15043=-2.5 or 15043=-inf");
            if (!biases.TryAdd(token, bias)) throw new InvalidInputException($"--logit-bias {word}: token {token} is given twice; give it once");
        }

        return biases;
    }

    private static float? Bias(string text)
    {
        if (text is "-inf" or "-Infinity") return float.NegativeInfinity;
        return float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float bias) && float.IsFinite(bias) ? bias : null;
    }
}
