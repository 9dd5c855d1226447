using System.Diagnostics;
using System.Text;
using Ration.Devices.Cpu;
using Ration.Files;
using Ration.Inference;
using Ration.Inference.Sampling;
using Ration.Memory;
using Ration.Models;
using Ration.Tokenizers;

namespace Ration.Cli;

/// <summary>What was generated, and how fast.</summary>
/// <param name="Text">The text, without the prompt.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="PrefillSeconds">Time for the prompt.</param>
/// <param name="DecodeSeconds">Time for the tokens.</param>
/// <param name="Interrupted">Whether it was stopped early.</param>
internal sealed record GeneratedText(string Text, IReadOnlyList<int> Tokens, int PromptTokens, double PrefillSeconds, double DecodeSeconds, bool Interrupted)
{
    /// <summary>Prompt tokens a second.</summary>
    public double PrefillTokensPerSecond => PromptTokens / PrefillSeconds;

    /// <summary>Generated tokens a second. The first comes with the prompt and costs nothing here.</summary>
    public double DecodeTokensPerSecond => Tokens.Count <= 1 ? 0 : (Tokens.Count - 1) / DecodeSeconds;
}

/// <summary>A saved model, loaded to go on with one text.</summary>
internal sealed class TextGeneration : IDisposable
{
    private readonly Generator _generator;
    private readonly ITokenizer _tokenizer;
    private readonly Sampler _sampler;
    private readonly int[] _prompt;
    private readonly int _most;

    private TextGeneration(Generator generator, ITokenizer tokenizer, Sampler sampler, int[] prompt, int most) =>
        (_generator, _tokenizer, _sampler, _prompt, _most) = (generator, tokenizer, sampler, prompt, most);

    /// <summary>Loads a model within a budget.</summary>
    /// <param name="folder">The model.</param>
    /// <param name="prompt">The text to go on with.</param>
    /// <param name="most">Tokens to generate, at the most.</param>
    /// <param name="sampling">How tokens are chosen.</param>
    /// <param name="threads">Cores to use.</param>
    /// <param name="memory">Most bytes that the process may have resident; null for no limit.</param>
    public static TextGeneration Open(string folder, string prompt, int most, SamplingOptions sampling, int threads, ByteSize? memory)
    {
        ModelConfiguration model = ModelFolder.ReadConfiguration(folder);
        ITokenizer tokenizer = ModelTokenizer.Read(folder);
        Sampler sampler = new(sampling, model.Vocabulary);
        int[] tokens = tokenizer.Encode(prompt);
        if (tokens.Length == 0) throw new InvalidInputException("--prompt is empty; give at least one character to go on with");
        GenerationOptions options = new() { Model = model, PromptTokens = tokens.Length, MaxTokens = most, Memory = memory, Threads = threads };
        Generator generator = new(GenerationPlan.Create(options, new CpuDevice(threads), threads));
        try
        {
            ModelFolder.Load(folder, generator.Weights, generator.Executor);
            return new TextGeneration(generator, tokenizer, sampler, tokens, most);
        }
        catch
        {
            generator.Dispose();
            throw;
        }
    }

    /// <summary>Generates; text is handed on as soon as it is whole characters.</summary>
    public GeneratedText Run(Action<string> write, CancellationToken cancellation)
    {
        StreamingDecoder decoder = new(_tokenizer);
        StringBuilder text = new();
        List<int> tokens = new(_most);
        void Emit(string piece)
        {
            if (piece.Length == 0) return;
            text.Append(piece);
            write(piece);
        }

        long start = Stopwatch.GetTimestamp();
        ReadOnlySpan<float> logits = _generator.Feed(_prompt);
        double prefill = Stopwatch.GetElapsedTime(start).TotalSeconds;
        start = Stopwatch.GetTimestamp();
        while (true)
        {
            int token = _sampler.Next(logits, tokens.Count);
            tokens.Add(token);
            Emit(decoder.Append(token));
            if (tokens.Count == _most || cancellation.IsCancellationRequested) break;
            logits = _generator.Feed([token]);
        }

        double decode = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Emit(decoder.Finish());
        return new GeneratedText(text.ToString(), tokens, _prompt.Length, prefill, decode, cancellation.IsCancellationRequested);
    }

    /// <inheritdoc/>
    public void Dispose() => _generator.Dispose();
}
