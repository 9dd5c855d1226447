using System.Diagnostics;
using Ration.Inference.Sampling;

namespace Ration.Inference;

/// <summary>
/// Texts that a model completes together, as many at once as it was loaded for (<see cref="LanguageModelOptions.Rows"/>): the weights are read
/// once for a token of each. They are computed as they are read; reading that was broken off or cancelled can be taken up again.
/// </summary>
public sealed class TextBatch
{
    private readonly LanguageModel _model;
    private readonly UnfinishedText[] _texts;
    private readonly Sampler _sampler;

    /// <exception cref="InvalidInputException">A prompt is empty or too long, or the options cannot be used.</exception>
    internal TextBatch(LanguageModel model, IEnumerable<int[]> prompts, TextGenerationOptions options)
    {
        (_model, _sampler) = (model, UnfinishedText.CreateSampler(model, options));

        // Each has draws of its own, so that one prompt given twice has two answers; the first has those that it would have alone.
        _texts = [.. prompts.Select((prompt, number) => new UnfinishedText(model, prompt, options, (ulong)number))];
    }

    /// <summary>How many texts there are.</summary>
    public int Count => _texts.Length;

    /// <summary>What there is so far of a text.</summary>
    public GeneratedText ResultOf(int number) => _texts[number].Result;

    /// <summary>The texts that are not at their end yet, each as it comes there: its number and itself. Computed on the caller's thread.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; <see cref="ResultOf"/> has what there is.</exception>
    public IEnumerable<(int Number, GeneratedText Text)> Read(CancellationToken cancellation = default)
    {
        Queue<int> waiting = new(Enumerable.Range(0, _texts.Length).Where(number => _texts[number].Finish is null));
        Row[] rows = [.. Enumerable.Range(0, _model.Rows).Select(static _ => new Row())];
        _model.Turn.Wait(cancellation);
        try
        {
            do
            {
                foreach (Row row in rows)
                {
                    if (row.Text is not { IsAtEnd: true } text) continue;
                    text.End();
                    row.Text = null;
                    yield return (row.Number, text.Result);
                }

                Fill(rows, waiting);
            }
            while (_model.Use(generator => TryStep(generator, rows, cancellation)));
        }
        finally
        {
            _model.Turn.Release();
        }
    }

    // While prompts are computed, texts that are further on wait for them, and what is computed in their place is lost. So new ones begin together,
    // when half of the rows are free.
    private void Fill(Row[] rows, Queue<int> waiting)
    {
        if (2 * rows.Count(static row => row.Text is null) < rows.Length) return;
        foreach (Row row in rows.Where(static row => row.Text is null))
        {
            if (!waiting.TryDequeue(out int number)) return;
            (row.Number, row.Text, row.IsInCache) = (number, _texts[number], false);
        }
    }

    // A token of each text; false where there is none. One that was at its end when reading was broken off waits to be given out.
    private bool TryStep(Generator generator, Row[] rows, CancellationToken cancellation)
    {
        if (Array.TrueForAll(rows, static row => row.Text is null)) return false;
        if (Array.Exists(rows, static row => row.Text is { IsAtEnd: true })) return true;
        cancellation.ThrowIfCancellationRequested();
        long start = Stopwatch.GetTimestamp();
        for (int row = 0; row < rows.Length; row++)
            if (!rows[row].IsInCache) generator.Truncate(row, 0);
        generator.FeedAll([.. rows.Select(static row => row.Next())], cancellation);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        for (int row = 0; row < rows.Length; row++)
        {
            if (rows[row].Text is not { } text) continue;
            rows[row].IsInCache = true;
            int token = text.Draw(_sampler, generator.LogitsOf(row), generator.TextOf(row));
            text.AddSeconds(seconds);
            text.Take(token);
        }

        return true;
    }

    // A row of the cache and the text that it holds.
    private sealed class Row
    {
        public int Number { get; set; }

        public UnfinishedText? Text { get; set; }

        public bool IsInCache { get; set; }

        public ReadOnlyMemory<int> Next() => Text is null ? default : IsInCache ? (int[])[Text.Tokens[^1]] : (int[])[.. Text.Prompt, .. Text.Tokens];
    }
}
