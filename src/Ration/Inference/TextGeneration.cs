using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using Ration.Inference.Sampling;
using Ration.Tokenizers;

namespace Ration.Inference;

/// <summary>
/// One text that a model goes on with. It is computed as it is read; reading that was broken off or cancelled can be taken up again where
/// it was. While one text of a model is read, the others wait.
/// </summary>
public sealed class TextGeneration
{
    private readonly LanguageModel _model;
    private readonly TextGenerationOptions _options;
    private readonly Sampler _sampler;
    private readonly StreamingDecoder _decoder;
    private readonly StopStrings _stops;
    private readonly int[] _prompt;
    private readonly List<int> _tokens = [];
    private readonly StringBuilder _text = new();
    private FinishReason? _finish;
    private int _cached;
    private double _prefillSeconds;
    private double _decodeSeconds;
    private bool _isContinued;

    internal TextGeneration(LanguageModel model, int[] prompt, TextGenerationOptions options, ulong stream = 0)
    {
        options.Validate();
        if (prompt.Length == 0) throw new InvalidInputException("the prompt is empty; give at least one character to go on with");
        if (prompt.Length > model.Context)
            throw new InvalidInputException($"the prompt has {prompt.Length} tokens, and there is room for {model.Context}; shorten it, or load the model with a larger context (--context)");
        (_model, _prompt, _options) = (model, prompt, options);

        // No text is longer than the context, and the plan counts no more.
        _sampler = new Sampler(options.Sampling with { PenaltyWindow = Math.Min(options.Sampling.PenaltyWindow, model.Context) }, model.Text.Vocabulary, stream);
        _decoder = new StreamingDecoder(model.Tokenizer, showSpecial: options.ShowSpecial);
        _stops = new StopStrings(options.Stop);
    }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens => _prompt.Length;

    /// <summary>What there is so far.</summary>
    public GeneratedText Result => new(_text.ToString(), [.. _tokens], _prompt.Length, _cached, _prefillSeconds, _decodeSeconds, _finish);

    /// <summary>Told each time that reading ends, in whatever way.</summary>
    internal Action<GeneratedText>? Ended { get; init; }

    /// <summary>The rest of the text at once.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; <see cref="Result"/> has what there is.</exception>
    public GeneratedText Run(CancellationToken cancellation = default)
    {
        foreach (TextPiece _ in Read(cancellation)) { }
        return Result;
    }

    /// <summary>The rest of the text, a piece for each token and one at the end, computed on the caller's thread.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; <see cref="Result"/> has what there is.</exception>
    public IEnumerable<TextPiece> Read(CancellationToken cancellation = default)
    {
        if (_finish is not null) yield break;
        _model.Turn.Wait(cancellation);
        try
        {
            _isContinued = false;
            while (_finish is null) yield return Next(cancellation);
        }
        finally
        {
            _model.Turn.Release();
            Ended?.Invoke(Result);
        }
    }

    /// <summary>As <see cref="Read"/>, computed on threads of the pool.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; <see cref="Result"/> has what there is.</exception>
    public async IAsyncEnumerable<TextPiece> ReadAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (_finish is not null) yield break;
        await _model.Turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            _isContinued = false;
            while (_finish is null) yield return await Task.Run(() => Next(cancellation), cancellation).ConfigureAwait(false);
        }
        finally
        {
            _model.Turn.Release();
            Ended?.Invoke(Result);
        }
    }

    private TextPiece Next(CancellationToken cancellation)
    {
        if (_stops.Found is not null) return Finish(FinishReason.StopString);
        if (_tokens.Count == _options.MaxTokens) return Finish(FinishReason.MaxTokens);
        if (_prompt.Length + _tokens.Count > _model.Context) return Finish(FinishReason.ContextFull);
        int token = _model.Use(generator => Choose(generator, cancellation));
        if (!_options.IgnoreEnd && _model.EndIds.Contains(token)) return Finish(FinishReason.End);
        _tokens.Add(token);
        string text = _stops.Append(_decoder.Append(token));
        _text.Append(text);
        return new TextPiece(text, token);
    }

    private int Choose(Generator generator, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        long start = Stopwatch.GetTimestamp();
        bool first = _tokens.Count == 0;
        int[] next = _isContinued ? [_tokens[^1]] : [.. _prompt, .. _tokens];
        ReadOnlySpan<float> logits = _isContinued ? generator.Feed(next, cancellation) : generator.Continue(next, cancellation);
        if (first) _cached = generator.KeptTokens;
        _isContinued = true;
        int token = _sampler.Next(logits[.._model.Text.Vocabulary], _tokens.Count, generator.TextOf(0));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (first) _prefillSeconds += seconds;
        else _decodeSeconds += seconds;
        return token;
    }

    private TextPiece Finish(FinishReason reason)
    {
        string rest = _stops.Append(_decoder.Finish()) + _stops.Finish();
        _text.Append(rest);
        _finish = reason;
        return new TextPiece(rest, null, Result);
    }
}
