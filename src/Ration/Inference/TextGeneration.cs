using System.Diagnostics;
using System.Runtime.CompilerServices;
using Ration.Inference.Sampling;

namespace Ration.Inference;

/// <summary>
/// One text that a model completes. It is computed as it is read; reading that was broken off or cancelled can be taken up again where
/// it was. While one text of a model is read, the others wait.
/// </summary>
public sealed class TextGeneration
{
    private readonly LanguageModel _model;
    private readonly UnfinishedText _text;
    private readonly Sampler _sampler;
    private bool _isContinued;

    internal TextGeneration(LanguageModel model, int[] prompt, TextGenerationOptions options, ulong stream = 0)
    {
        if (model.Rows > 1) throw new InvalidOperationException($"the model was loaded for {model.Rows} texts at once: complete them by {nameof(LanguageModel.StartAll)}");
        (_model, _sampler) = (model, UnfinishedText.CreateSampler(model, options));
        _text = new UnfinishedText(model, prompt, options, stream);
    }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens => _text.Prompt.Length;

    /// <summary>What there is so far.</summary>
    public GeneratedText Result => _text.Result;

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
        if (_text.Finish is not null) yield break;
        _model.Turn.Wait(cancellation);
        try
        {
            _isContinued = false;
            while (_text.Finish is null) yield return Next(cancellation);
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
        if (_text.Finish is not null) yield break;
        await _model.Turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            _isContinued = false;
            while (_text.Finish is null) yield return await Task.Run(() => Next(cancellation), cancellation).ConfigureAwait(false);
        }
        finally
        {
            _model.Turn.Release();
            Ended?.Invoke(Result);
        }
    }

    private TextPiece Next(CancellationToken cancellation)
    {
        if (!_text.IsAtEnd)
        {
            int token = _model.Use(generator => Choose(generator, cancellation));
            if (_text.Take(token) is { } piece) return new TextPiece(piece, token);
        }

        string rest = _text.End();
        return new TextPiece(rest, null, Result);
    }

    private int Choose(Generator generator, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        long start = Stopwatch.GetTimestamp();
        bool first = _text.Tokens.Count == 0;
        int[] next = _isContinued ? [_text.Tokens[^1]] : [.. _text.Prompt, .. _text.Tokens];
        ReadOnlySpan<float> logits = _isContinued ? generator.Feed(next, cancellation) : generator.Continue(next, cancellation);
        if (first) _text.CachedTokens = generator.KeptTokens;
        _isContinued = true;
        int token = _text.Draw(_sampler, logits, generator.TextOf(0));
        _text.AddSeconds(Stopwatch.GetElapsedTime(start).TotalSeconds);
        return token;
    }
}
