using System.CommandLine;
using Ration.Cli.Output;
using Ration.Inference;
using Ration.Inference.Sampling;
using Ration.Memory;

namespace Ration.Cli.Commands;

/// <summary><c>ration generate</c>: goes on with a text.</summary>
internal static class GenerateCommand
{
    private static readonly Option<string?> s_prompt = OptionFactory.Word("--prompt", "TEXT", "The text to go on with.");
    private static readonly Option<int?> s_maxTokens = OptionFactory.Number<int>("--max-tokens", "N", "Tokens to generate (default 200).");
    private static readonly Option<float?> s_temperature = OptionFactory.Number<float>("--temperature", "X", "Randomness (default 0.8); 0 takes the most likely token.");
    private static readonly Option<int?> s_topK = OptionFactory.Number<int>("--top-k", "N", "Consider only the N most likely tokens (default 0: all).");
    private static readonly Option<float?> s_topP = OptionFactory.Number<float>("--top-p", "X", "Consider only the most likely tokens that have this probability together (default 0.95).");

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Command command = new("generate", "Go on with a text.")
        {
            CommonOptions.Model, s_prompt, s_maxTokens, s_temperature, s_topK, s_topP, CommonOptions.Seed, CommonOptions.Memory, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        using Interruption interruption = new();
        string folder = CommonOptions.ReadModelPath(parsed);
        string prompt = parsed.GetValue(s_prompt) ?? throw new InvalidInputException("--prompt is missing; give the text to go on with");
        int most = parsed.GetValue(s_maxTokens) ?? 200;
        if (most is < 1 or > 1 << 24) throw new InvalidInputException($"--max-tokens {most}: give 1 to 16,777,216");
        SamplingOptions sampling = new(parsed.GetValue(s_temperature) ?? 0.8f, parsed.GetValue(s_topK) ?? 0, parsed.GetValue(s_topP) ?? 0.95f, parsed.GetValue(CommonOptions.Seed) ?? 1);
        using LanguageModelSource source = LanguageModelSource.Open(folder);
        int tokens = source.Tokenizer.Encode(prompt, null).Length;
        if (tokens == 0) throw new InvalidInputException("--prompt is empty; give at least one character to go on with");
        using LanguageModel model = source.Load(new LanguageModelOptions
        {
            Memory = parsed.GetValue(CommonOptions.Memory),
            Threads = CommonOptions.ReadThreads(parsed),
            PromptTokens = tokens,
            Context = tokens + most,
        });
        TextGeneration generation = model.Start(prompt, new TextGenerationOptions { MaxTokens = most, Sampling = sampling });
        return parsed.GetValue(CommonOptions.Json) ? WriteJson(generation, interruption.Token) : Stream(generation, prompt, interruption.Token);
    }

    private static int Stream(TextGeneration generation, string prompt, CancellationToken cancellation)
    {
        using StreamWriter stdout = StandardOutput.Open();
        if (!Console.IsErrorRedirected) Log.Writer.Write(prompt);
        bool isInterrupted = !generation.WriteTo(stdout, cancellation);
        stdout.WriteLine();
        GeneratedText text = generation.Result;
        Log.Line($"prompt: {text.PromptTokens} tokens, {text.PrefillTokensPerSecond:N0}/s; generated: {text.Tokens.Count} tokens, {text.DecodeTokensPerSecond:N0}/s; peak memory {new ByteSize(MeasuredMemory.PeakResidentBytes())}");
        return isInterrupted ? ExitCode.Interrupted : ExitCode.Done;
    }

    private static int WriteJson(TextGeneration generation, CancellationToken cancellation)
    {
        bool isInterrupted = !generation.WriteTo(TextWriter.Null, cancellation);
        GeneratedText text = generation.Result;
        StandardOutput.WriteJson(json =>
        {
            json.Text("text", text.Text);
            json.Numbers("tokens", text.Tokens);
            json.Number("promptTokens", text.PromptTokens);
            json.Number("generatedTokens", text.Tokens.Count);
            json.Number("prefillTokensPerSecond", text.PrefillTokensPerSecond);
            json.Number("decodeTokensPerSecond", text.DecodeTokensPerSecond);
            json.Number("measuredPeakBytes", MeasuredMemory.PeakResidentBytes());
        });
        return isInterrupted ? ExitCode.Interrupted : ExitCode.Done;
    }
}
