using System.Text;
using Ration.Inference.Sampling;
using Ration.Tokenizers;

namespace Ration.Inference;

/// <summary>A text while it is generated: its tokens, what they spell, and whether it is at its end.</summary>
internal sealed class UnfinishedText
{
    private readonly LanguageModel _model;
    private readonly TextGenerationOptions _options;
    private readonly StreamingDecoder _decoder;
    private readonly StopStrings _stops;
    private readonly List<int> _tokens = [];
    private readonly StringBuilder _text = new();
    private readonly ulong _stream;
    private bool _hasEndToken;

    /// <summary>A text of which there is only the prompt.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">Tokens of the prompt.</param>
    /// <param name="options">How it is completed; checked already.</param>
    /// <param name="stream">Tells apart texts with the same seed that shall have other draws.</param>
    /// <exception cref="InvalidInputException">The prompt is empty or too long.</exception>
    public UnfinishedText(LanguageModel model, int[] prompt, TextGenerationOptions options, ulong stream)
    {
        if (prompt.Length == 0) throw new InvalidInputException("the prompt is empty; give at least one character");
        if (prompt.Length > model.Context)
            throw new InvalidInputException($"the prompt has {prompt.Length} tokens, and there is room for {model.Context}; shorten it, or load the model with a larger context (--context)");
        (_model, Prompt, _options, _stream) = (model, prompt, options, stream);
        _decoder = new StreamingDecoder(model.Tokenizer, showSpecial: options.ShowSpecial);
        _stops = new StopStrings(options.Stop);
    }

    /// <summary>Tokens of the prompt.</summary>
    public int[] Prompt { get; }

    /// <summary>Tokens after it.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>Tokens of the prompt that did not have to be computed.</summary>
    public int CachedTokens { get; set; }

    /// <summary>Whether no token comes any more.</summary>
    public bool IsAtEnd => Reason is not null;

    /// <summary>Why it ended; null before <see cref="End"/>.</summary>
    public FinishReason? Finish { get; private set; }

    /// <summary>What there is so far.</summary>
    public GeneratedText Result => new(_text.ToString(), [.. _tokens], Prompt.Length, CachedTokens, PrefillSeconds, DecodeSeconds, Finish);

    private double PrefillSeconds { get; set; }

    private double DecodeSeconds { get; set; }

    private FinishReason? Reason =>
        _hasEndToken ? FinishReason.End
        : _stops.Found is not null ? FinishReason.StopString
        : _tokens.Count == _options.MaxTokens ? FinishReason.MaxTokens
        : Prompt.Length + _tokens.Count > _model.Context ? FinishReason.ContextFull
        : null;

    /// <summary>A sampler for texts with some options.</summary>
    /// <exception cref="InvalidInputException">The options cannot be used.</exception>
    public static Sampler CreateSampler(LanguageModel model, TextGenerationOptions options)
    {
        options.Validate();

        // No text is longer than the context, and the plan counts no more.
        return new Sampler(options.Sampling with { PenaltyWindow = Math.Min(options.Sampling.PenaltyWindow, model.Context) }, model.Text.Vocabulary);
    }

    /// <summary>Draws the next token.</summary>
    /// <param name="sampler">Draws.</param>
    /// <param name="logits">The logits after the last token.</param>
    /// <param name="history">The text in the cache.</param>
    public int Draw(Sampler sampler, ReadOnlySpan<float> logits, ReadOnlySpan<int> history) => sampler.Next(logits[.._model.Text.Vocabulary], _tokens.Count, history, _stream);

    /// <summary>Adds the time that the next token took.</summary>
    public void AddSeconds(double seconds)
    {
        if (_tokens.Count == 0) PrefillSeconds += seconds;
        else DecodeSeconds += seconds;
    }

    /// <summary>Adds a token and returns what it spells; null for one that ends the text.</summary>
    public string? Take(int token)
    {
        _hasEndToken = !_options.IgnoreEnd && (_model.EndIds.Contains(token) || _options.FurtherEnds.Contains(token));
        if (_hasEndToken) return null;
        _tokens.Add(token);
        string text = _stops.Append(_decoder.Append(token));
        _text.Append(text);
        return text;
    }

    /// <summary>Ends the text, and returns what was held back.</summary>
    public string End()
    {
        string rest = _stops.Append(_decoder.Finish()) + _stops.Finish();
        _text.Append(rest);
        Finish = Reason;
        return rest;
    }
}
