using System.CommandLine;
using Ration.Cli.Output;
using Ration.Cli.Tokens;
using Ration.Inference;
using Ration.Tokenizers;

namespace Ration.Cli.Commands;

/// <summary><c>ration generate</c>: completes a prompt.</summary>
internal static class GenerateCommand
{
    /// <summary>Tokens that are generated unless told otherwise.</summary>
    public const int DefaultMaxTokens = 200;

    private static readonly Option<string?> s_prompt = OptionFactory.Word("--prompt", "TEXT", "The text to complete, or - for standard input.");
    private static readonly Option<string?> s_promptFile = OptionFactory.Path("--prompt-file", "FILE", "A file with the text to complete. A line end at its very end is left out.");
    private static readonly Option<string?> s_prompts = OptionFactory.Path("--prompts", "FILE",
        "A file of which every line is a text to complete; each answer is a line too. \\n stands for a line end within one, \\\\ for \\.");
    private static readonly Option<int?> s_atOnce = OptionFactory.Number<int>("--at-once", "N", "With --prompts: texts that are computed together (default 8, or as many as there is memory for).");
    private static readonly Option<bool> s_special = OptionFactory.Switch("--special", "Take special tokens that the prompt spells out, such as <|im_start|>, as those tokens.");

    /// <summary>The command.</summary>
    public static Command Create()
    {
        SamplingArguments sampling = new("200");
        InferenceArguments inference = new();
        GroupedCommand command = new("generate", "Go on with a text.");
        command.AddGroup("Model and prompt", CommonOptions.ModelFiles, CommonOptions.BaseModel, s_prompt, s_promptFile, s_prompts, s_atOnce, s_special);
        sampling.AddTo(command);
        inference.AddTo(command);
        command.AddGroup("Output", CommonOptions.Json);
        command.SetAction(parsed => Run(parsed, sampling, inference));
        return command;
    }

    private static int Run(ParseResult parsed, SamplingArguments sampling, InferenceArguments inference)
    {
        using Interruption interruption = new() { AtOnce = () => Tool.EndInterrupted(parsed) };
        TextGenerationOptions options = sampling.Read(parsed);
        options = options with { MaxTokens = options.MaxTokens ?? DefaultMaxTokens, ParseSpecial = parsed.GetValue(s_special) };
        if (ReadPrompts(parsed) is { } prompts) return PromptList.Run(parsed, prompts, parsed.GetValue(s_atOnce), options, inference.Read(parsed), interruption);
        string prompt = ReadPrompt(parsed);
        using LanguageModel model = Load(parsed, prompt, options, inference.Read(parsed));
        interruption.AtOnce = null;
        InferenceArguments.TellOf(model.Plan);
        TextGeneration generation = model.Start(prompt, options);
        return parsed.GetValue(CommonOptions.Json) ? WriteJson(generation, model.Plan, interruption.Token) : Stream(generation, model.Plan, prompt, interruption.Token);
    }

    // The prompt's tokens are counted first: they decide how much room there must be.
    private static LanguageModel Load(ParseResult parsed, string prompt, TextGenerationOptions options, LanguageModelOptions memory)
    {
        CommonOptions.NoteMemory(parsed);
        using LanguageModelSource source = CommonOptions.OpenLanguageModel(parsed);
        int tokens = source.Tokenizer.Encode(prompt, new EncodingOptions { AddEnd = false, ParseSpecial = options.ParseSpecial }).Length;
        if (tokens == 0) throw new InvalidInputException("the prompt is empty; give at least one character");
        InferenceArguments.RequireMeantFor(source.Configuration, memory.Context, tokens);
        InferenceArguments.RequireRoom(memory.Context, tokens);
        InferenceArguments.NoteRoom(source.Configuration, memory.Context, tokens, options.MaxTokens!.Value);
        return source.Load(memory with { PromptTokens = tokens, MaxTokens = options.MaxTokens });
    }

    private static string[]? ReadPrompts(ParseResult parsed)
    {
        string? file = parsed.GetValue(s_prompts);
        if (file is null && parsed.GetValue(s_atOnce) is not null) throw new InvalidInputException("--at-once is for --prompts; leave it out, or give a file of prompts");
        if (file is null) return null;
        if (parsed.GetValue(s_prompt) is not null || parsed.GetValue(s_promptFile) is not null) throw new InvalidInputException("--prompts excludes --prompt and --prompt-file; give one of them");
        return PromptList.Parse(file, InputText.ReadPrompt("--prompts", file));
    }

    private static string ReadPrompt(ParseResult parsed)
    {
        string? prompt = parsed.GetValue(s_prompt), file = parsed.GetValue(s_promptFile);
        if (prompt is not null && file is not null) throw new InvalidInputException("--prompt and --prompt-file exclude each other; give one of them");
        if (prompt is not null && prompt != InputText.StandardInput) return prompt;
        if (prompt is null && file is null) throw new InvalidInputException("--prompt is missing; give the text to complete, or --prompt-file FILE");
        return InputText.ReadPrompt(file is null ? "--prompt" : "--prompt-file", file ?? InputText.StandardInput);
    }

    private static int Stream(TextGeneration generation, GenerationPlan plan, string prompt, CancellationToken cancellation)
    {
        using TextWriter stdout = StandardOutput.OpenForText();
        if (!Console.IsErrorRedirected && !Console.IsOutputRedirected) Log.Writer.Write(prompt);
        bool isInterrupted = !generation.WriteTo(stdout, cancellation);
        stdout.WriteLine();
        GeneratedText text = generation.Result;
        if (isInterrupted && text.Tokens.Count == 0)
        {
            Log.Line($"interrupted while the {Counted.Of(text.PromptTokens, "token")} of the prompt were read; {PeakMemory.Words(plan.PlannedPeakBytes)}");
            return ExitCode.Interrupted;
        }

        Log.Line(
            $"prompt: {Counted.Of(text.PromptTokens, "token")}, {text.PrefillTokensPerSecond:N0}/s; generated: {Counted.Of(text.Tokens.Count, "token")}, "
            + $"{text.DecodeTokensPerSecond:N0}/s; {PeakMemory.Words(plan.PlannedPeakBytes)}");
        return isInterrupted ? ExitCode.Interrupted : ExitCode.Done;
    }

    private static int WriteJson(TextGeneration generation, GenerationPlan plan, CancellationToken cancellation)
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
            PeakMemory.Write(json, plan.BudgetBytes, plan.PlannedPeakBytes);
            json.Counts("otherTypes", plan.OtherWeightTypes);
            json.TextOrNull("finish", isInterrupted ? Tool.Interrupted : text.Finish?.ToString());
        });
        return isInterrupted ? ExitCode.Interrupted : ExitCode.Done;
    }
}
